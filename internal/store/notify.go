package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"drawbridge/internal/model"
)

// Notice (not model.Notice, which is for people) is a hint from another process on the same database that something
// is worth a look. It carries no data: who hears it reads the rows, and who
// misses it finds them at the next look of its own.
type Notice struct {
	Kind NoticeKind
	ID   string
}

// NoticeKind says what is worth a look.
type NoticeKind string

const (
	NoticeQueued NoticeKind = "queued" // a job can be claimed; no id
	NoticeCancel NoticeKind = "cancel" // of the running job with the id
	NoticeEvents NoticeKind = "events" // of the backend with the id
	NoticeAccess NoticeKind = "access" // somebody may do something else than before; no id
	// NoticeDelivery: something can be sent to a webhook; no id.
	NoticeDelivery NoticeKind = "delivery"
	// NoticeMissed comes first on each connection: what was sent before it was not heard.
	NoticeMissed NoticeKind = "missed"
)

const (
	channel      = "drawbridge"     // of LISTEN and NOTIFY; each database has its own
	listenPause  = time.Second      // between tries to connect
	listenCheck  = 15 * time.Second // of silence before the connection is tried
	listenAnswer = 5 * time.Second  // how long that may take
)

// notify has the other processes told once the transaction is committed.
func (q *Queries) notify(kind NoticeKind, id string) {
	if q.tx != nil {
		q.tx.notices[Notice{kind, id}] = struct{}{}
	}
}

// accessChanged has whoever answers at length look again at who asked.
func (q *Queries) accessChanged() { q.notify(NoticeAccess, "") }

// sendNotices is the last statement of a transaction. PostgreSQL delivers
// with the commit, and not at all without it.
func (q *Queries) sendNotices(ctx context.Context) error {
	for id := range q.tx.newest {
		q.notify(NoticeEvents, id)
	}
	if q.store.dialect == SQLite || len(q.tx.notices) == 0 {
		return nil
	}
	var rows []string
	args := []any{channel}
	for n := range maps.Keys(q.tx.notices) {
		args = append(args, strings.Join([]string{q.store.sender, string(n.Kind), n.ID}, " "))
		rows = append(rows, fmt.Sprintf("pg_notify($1, $%d)", len(args)))
	}
	_, err := q.exec(ctx, "notify", `SELECT `+strings.Join(rows, ", "), args...)
	return err
}

// Listen calls heard for each notice of another process until ctx ends. It
// holds a connection of its own and connects again by itself; meanwhile
// nothing is heard. On SQLite, where there is no other process, it only waits.
// heard must not block.
func (s *Store) Listen(ctx context.Context, heard func(Notice)) error {
	if s.dialect == SQLite {
		<-ctx.Done()
		return nil
	}
	lastErr := ""
	for {
		err := s.listen(ctx, func(n Notice) {
			if n.Kind == NoticeMissed {
				lastErr = ""
			}
			heard(n)
		})
		if ctx.Err() != nil {
			return nil
		}
		if err.Error() != lastErr {
			lastErr = err.Error() // once, not at every try
			s.opts.Logger.WarnContext(ctx, "other replicas are not heard; looking at intervals until they are", "error", err)
		}
		timer := time.NewTimer(listenPause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
			return nil
		}
	}
}

// listen hears what comes over one connection until that fails.
func (s *Store) listen(ctx context.Context, heard func(Notice)) error {
	connectCtx, cancel := context.WithTimeout(ctx, listenAnswer)
	conn, err := pgx.ConnectConfig(connectCtx, s.listener)
	cancel()
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }()
	if _, err := conn.Exec(ctx, "LISTEN "+channel); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	heard(Notice{Kind: NoticeMissed})
	for {
		n, err := s.next(ctx, conn)
		if err != nil {
			return err
		}
		if n != nil {
			heard(*n)
		}
	}
}

// next waits for a notice of another process. nil means that there was none,
// and that the connection lives.
func (s *Store) next(ctx context.Context, conn *pgx.Conn) (*Notice, error) {
	waitCtx, cancel := context.WithTimeout(ctx, listenCheck)
	defer cancel()
	got, err := conn.WaitForNotification(waitCtx)
	switch {
	case err == nil:
		return s.parse(got.Payload), nil
	case ctx.Err() != nil || waitCtx.Err() == nil:
		return nil, fmt.Errorf("wait for a notice: %w", err)
	}
	pingCtx, cancelPing := context.WithTimeout(ctx, listenAnswer)
	defer cancelPing()
	if err := conn.Ping(pingCtx); err != nil {
		return nil, fmt.Errorf("ping: %w", err)
	}
	return nil, nil
}

// parse reads a notice; one's own, and those of a version that says something
// else, are nil.
func (s *Store) parse(payload string) *Notice {
	words := strings.Split(payload, " ")
	known := []NoticeKind{NoticeQueued, NoticeCancel, NoticeEvents, NoticeAccess, NoticeDelivery}
	if len(words) != 3 || words[0] == s.sender || !slices.Contains(known, NoticeKind(words[1])) {
		return nil
	}
	return &Notice{NoticeKind(words[1]), words[2]}
}

func newSender() string { return model.NewID("") }
