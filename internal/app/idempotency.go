package app

import (
	"context"
	"time"
)

const pruneKeysEvery = time.Hour

// pruneKeys forgets requests with an Idempotency-Key whose time is over.
func (a *App) pruneKeys(ctx context.Context) error {
	return every(ctx, pruneKeysEvery, func() {
		if err := a.Store.PruneKeys(ctx); err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "drop old idempotency keys", "error", err)
		}
	})
}
