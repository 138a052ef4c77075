package app

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"regexp"
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

// auditHeadRE finds a head in a line of the log, in either of its formats.
var auditHeadRE = regexp.MustCompile(`(?:msg="audit head" head=|"msg":"audit head","head":")([0-9]+:[0-9a-f]{64})\b`)

// AuditHeadsOf reads every head of the audit that a file tells of: a log of the
// server's, or an export, whose lines have the hashes of their rows.
func AuditHeadsOf(name string) ([]model.AuditHead, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, &model.Error{Code: model.CodeInvalid, Err: err, Message: "The anchors cannot be read"}
	}
	defer f.Close()
	var heads []model.AuditHead
	lines := bufio.NewReader(f)
	for {
		line, err := lines.ReadString('\n')
		if head, ok := headIn(line); ok {
			heads = append(heads, head)
		}
		switch {
		case errors.Is(err, io.EOF) && len(heads) == 0:
			return nil, model.Errorf(model.CodeInvalid, "No head of the audit is in %s. Give a log of the server with lines of the message \"audit head\", or an export of the audit.", name)
		case errors.Is(err, io.EOF):
			return heads, nil
		case err != nil:
			return nil, fmt.Errorf("read the anchors: %w", err)
		}
	}
}

// headIn is the head that one line tells of.
func headIn(line string) (model.AuditHead, bool) {
	var row struct {
		Seq  int64
		Prev *string
		Hash string
	}
	text := ""
	if json.Unmarshal([]byte(line), &row) == nil && row.Prev != nil {
		text = fmt.Sprintf("%d:%s", row.Seq, row.Hash)
	} else if m := auditHeadRE.FindStringSubmatch(line); m != nil {
		text = m[1]
	}
	head, err := model.ParseAuditHead(text)
	return head, err == nil
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
