package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"

	"drawbridge/internal/app"
	"drawbridge/internal/model"
)

type auditCmd struct {
	Verify auditVerifyCmd `cmd:"" help:"Check that no row of the audit was changed, removed or put elsewhere."`
}

type auditVerifyCmd struct {
	Anchor []string `help:"A head of the audit that was kept elsewhere, as the server logs it; may be given several times." placeholder:"NUMBER:HASH"`
	From   []string `name:"anchors-from" help:"A log of the server, or an export of the audit, that was kept elsewhere: every head in it is checked; may be given several times." type:"existingfile" placeholder:"FILE"`
	dataFlags
}

// Help is shown by audit verify --help.
func (auditVerifyCmd) Help() string {
	return strings.TrimSpace(`
Each row holds the hash of the row before, so the first row that does not fit is
named and the command exits with 1. Somebody who may write the database can write
all rows anew; give heads that were kept elsewhere, a log of the server or an earlier
export whole, and that is found, too.`)
}

// Run works beside a running server on the same data.
func (c *auditVerifyCmd) Run(ctx context.Context, logger *slog.Logger) error {
	var anchors []model.AuditHead
	for _, text := range c.Anchor {
		head, err := model.ParseAuditHead(text)
		if err != nil {
			return err
		}
		anchors = append(anchors, head)
	}
	for _, name := range c.From {
		heads, err := app.AuditHeadsOf(name)
		if err != nil {
			return err
		}
		anchors = append(anchors, heads...)
	}
	r, err := app.VerifyAudit(ctx, app.Config{DataDir: c.DataDir, Database: c.Database}, logger, anchors)
	if err != nil {
		return err
	}
	if r.Fault != nil {
		return fmt.Errorf("the audit is not as it was written: row %d: %s (%d rows before it are good)", r.Fault.Seq, r.Fault.Why, r.Rows)
	}
	fmt.Printf("The audit is whole: %d rows, head %s, %d anchors\n", r.Rows, r.Head, len(anchors))
	return nil
}
