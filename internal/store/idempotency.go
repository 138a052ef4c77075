package store

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"drawbridge/internal/model"
)

// ClaimKey begins to carry out a keyed request: nil, nil means that the caller
// may. Otherwise it returns the answer that the request got already, or a
// conflict: one with a RetryAfter while another attempt is at work, one without
// when an attempt took effect and ended before it was answered. A key that came
// with another request is CodeInvalid. An attempt that fell silent before it
// took effect may be made again.
func (s *Store) ClaimKey(ctx context.Context, r *model.KeyedRequest) (*model.KeyedAnswer, error) {
	// Most repeats find their answer without a write.
	if a, err := s.Read().keyedAnswer(ctx, r); a != nil || err != nil && model.CodeOf(err) == model.CodeInvalid {
		return a, err
	}
	var answer *model.KeyedAnswer
	err := s.InTx(ctx, func(q *Queries) error {
		now := q.now()
		n, err := q.exec(ctx, "claim idempotency key",
			`INSERT INTO idempotency_keys (caller, key, fingerprint, term, lease_until, created_at) VALUES ($1, $2, $3, $4, $5, $6)
			 ON CONFLICT (caller, key) DO UPDATE SET fingerprint = excluded.fingerprint, term = excluded.term, worked = 0, status = 0,
				lease_until = excluded.lease_until, created_at = excluded.created_at
			 WHERE idempotency_keys.created_at <= $7 OR (idempotency_keys.status = 0 AND idempotency_keys.worked = 0
				AND idempotency_keys.lease_until <= $6 AND idempotency_keys.fingerprint = excluded.fingerprint)`,
			r.Caller, r.Key, r.Fingerprint, r.Term, ms(now.Add(model.KeyedLease)), ms(now), ms(now.Add(-model.KeyedFor)))
		if err != nil || n == 1 {
			return err
		}
		answer, err = q.keyedAnswer(ctx, r)
		return err
	})
	return answer, err
}

// keyedAnswer returns what the request was answered, nil when it is new.
func (q *Queries) keyedAnswer(ctx context.Context, r *model.KeyedRequest) (*model.KeyedAnswer, error) {
	var fingerprint, body string
	var worked bool
	var until int64
	a := &model.KeyedAnswer{}
	err := q.row(ctx, "read idempotency key",
		`SELECT fingerprint, worked = 1, lease_until, status, header, body FROM idempotency_keys
		 WHERE caller = $1 AND key = $2 AND created_at > $3`, r.Caller, r.Key, ms(q.now().Add(-model.KeyedFor))).
		Scan(&fingerprint, &worked, &until, &a.Status, jsonColumn{&a.Header}, &body)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case fingerprint != r.Fingerprint:
		return nil, model.Errorf(model.CodeInvalid, "This Idempotency-Key came with another request within the last 24 hours. Send each request with a key of its own.")
	case a.Status != 0:
		a.Body = []byte(body)
		return a, nil
	case worked && until <= ms(q.now()):
		return nil, model.Errorf(model.CodeConflict, "The request with this Idempotency-Key took effect, but the server stopped before it could answer. Look at what there is now; a request with a new key is carried out again.")
	}
	e := model.Errorf(model.CodeConflict, "The request with this Idempotency-Key is still being carried out. Send it again in a moment to get its answer.")
	e.RetryAfter = keyedRetry
	return nil, e
}

// keyedRetry is when a request that met its like is worth sending again.
const keyedRetry = time.Second

// RenewKey keeps others from carrying out the request meanwhile.
func (s *Store) RenewKey(ctx context.Context, r *model.KeyedRequest) error {
	return s.InTx(ctx, func(q *Queries) error {
		return q.keyed(ctx, r, `UPDATE idempotency_keys SET lease_until = $4 WHERE caller = $1 AND key = $2 AND term = $3 AND status = 0`,
			ms(q.now().Add(model.KeyedLease)))
	})
}

// AnswerKey keeps the answer for whoever sends the request again.
func (s *Store) AnswerKey(ctx context.Context, r *model.KeyedRequest, a *model.KeyedAnswer) error {
	header, err := jsonText(a.Header)
	if err != nil {
		return err
	}
	return s.InTx(ctx, func(q *Queries) error {
		return q.keyed(ctx, r, `UPDATE idempotency_keys SET status = $4, header = $5, body = $6, lease_until = 0
			WHERE caller = $1 AND key = $2 AND term = $3 AND status = 0`, a.Status, header, string(a.Body))
	})
}

// ReleaseKey forgets a request that failed without effect, so that it may be
// sent again. One that took effect stays known, without an answer.
func (s *Store) ReleaseKey(ctx context.Context, r *model.KeyedRequest) error {
	return s.InTx(ctx, func(q *Queries) error {
		_, err := q.exec(ctx, "release idempotency key",
			`DELETE FROM idempotency_keys WHERE caller = $1 AND key = $2 AND term = $3 AND status = 0 AND worked = 0`, r.Caller, r.Key, r.Term)
		if err != nil {
			return err
		}
		_, err = q.exec(ctx, "end idempotency lease",
			`UPDATE idempotency_keys SET lease_until = 0 WHERE caller = $1 AND key = $2 AND term = $3`, r.Caller, r.Key, r.Term)
		return err
	})
}

// noteKeyed tells, in the transaction itself, that the request which ctx serves
// took effect. An attempt that another one has replaced commits nothing.
func (q *Queries) noteKeyed(ctx context.Context) error {
	r := model.KeyedRequestFrom(ctx)
	if r == nil {
		return nil
	}
	return q.keyed(ctx, r, `UPDATE idempotency_keys SET worked = 1 WHERE caller = $1 AND key = $2 AND term = $3 AND status = 0`)
}

// keyed changes the row of an attempt that must still be the newest.
func (q *Queries) keyed(ctx context.Context, r *model.KeyedRequest, update string, args ...any) error {
	n, err := q.exec(ctx, "write idempotency key", update, append([]any{r.Caller, r.Key, r.Term}, args...)...)
	if err == nil && n == 0 {
		return model.Errorf(model.CodeConflict, "This request took so long that it was sent and taken up again. Send it once more to get that answer.")
	}
	return err
}

// PruneKeys forgets the requests that are older than model.KeyedFor.
func (s *Store) PruneKeys(ctx context.Context) error {
	return s.InTx(ctx, func(q *Queries) error {
		_, err := q.exec(ctx, "drop old idempotency keys",
			`DELETE FROM idempotency_keys WHERE created_at <= $1`, ms(q.now().Add(-model.KeyedFor)))
		return err
	})
}
