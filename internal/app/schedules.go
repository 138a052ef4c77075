package app

import (
	"context"
	"time"
)

// scheduleEvery is how often schedules are looked at. A transition is so late
// at most, and the instances take longer than that.
const scheduleEvery = 5 * time.Second

// followSchedules has backends wake and sleep by their schedules.
func (a *App) followSchedules(ctx context.Context) error {
	return every(ctx, scheduleEvery, func() {
		if _, err := a.Panel.FollowSchedules(ctx); err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "follow schedules", "error", err)
		}
	})
}
