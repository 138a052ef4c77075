package app

import (
	"context"
	"log/slog"
	"time"

	"drawbridge/internal/model"
)

// auditHeadEvery is how often the audit's head goes to the log.
const auditHeadEvery = time.Hour

// VerifyAudit checks the audit of the database of cfg, beside a server that
// may be running on it; see store.VerifyAudit.
func VerifyAudit(ctx context.Context, cfg Config, logger *slog.Logger, anchors []model.AuditHead) (*model.AuditReport, error) {
	st, err := openBeside(ctx, cfg, logger)
	if err != nil {
		return nil, err
	}
	defer st.Close()
	return st.VerifyAudit(ctx, anchors...)
}

// logAuditHead prints the audit's head at the start, every hour in which it
// moved, and at the end: a log that is kept elsewhere then holds the heads that
// "audit verify --anchor" checks against.
func (a *App) logAuditHead(ctx context.Context) error {
	tick := time.NewTicker(auditHeadEvery)
	defer tick.Stop()
	var last model.AuditHead
	for {
		head, err := a.Store.Read().AuditHead(context.WithoutCancel(ctx))
		switch {
		case err != nil:
			a.logger.WarnContext(ctx, "audit head cannot be read", "error", err)
		case head != last:
			a.logger.InfoContext(ctx, "audit head", "head", head.String())
			last = head
		}
		if ctx.Err() != nil {
			return nil
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		}
	}
}
