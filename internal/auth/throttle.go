package auth

import (
	"context"
	"fmt"
	"math"
	"net/netip"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// How often somebody may try to sign in before having to wait, and how long:
// each further try doubles the wait.
const (
	triesPerAccount = 10
	triesPerAddress = 50
	triesWindow     = 30 * time.Minute
	firstWait       = 30 * time.Second
	longestWait     = 15 * time.Minute
)

// throttle counts a try before it is carried out, so that many at once are
// counted too. The counts are in the database: restarts and other replicas
// know them.
func (a *Auth) throttle(ctx context.Context, login string) error {
	keys := tryKeys(login, model.OriginOf(ctx).IP)
	var wait time.Duration
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		until, err := q.BlockedUntil(ctx, keys[:]...)
		if err != nil {
			return err
		}
		if wait = until.Sub(a.now()); wait > 0 {
			return nil
		}
		for i, free := range []int64{triesPerAccount, triesPerAddress} {
			t, err := q.CountTry(ctx, keys[i], triesWindow)
			if err != nil {
				return err
			}
			if t.Tries < free {
				continue
			}
			if err := q.BlockTries(ctx, keys[i], a.now().Add(waitAfter(t.Tries-free))); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || wait <= 0 {
		return err
	}
	return &model.Error{Code: model.CodeTooMany, RetryAfter: wait,
		Message: "There were too many tries to sign in. Wait " + waitWords(wait) + ", then try again."}
}

// forgive forgets an account's failures once its user has signed in. An
// address's are kept: one good account must not buy tries at others.
func (a *Auth) forgive(ctx context.Context, login string) {
	key := tryKeys(login, "")[0]
	a.note(ctx, "sign-in", login, func(q *store.Queries) error { return q.ForgetTries(ctx, key) })
}

// tryKeys are the account's and the address's key. A whole /64 counts as one
// address: that is what a subscriber gets.
func tryKeys(login, address string) [2]string {
	if ip, err := netip.ParseAddr(address); err == nil && ip.Unmap().Is6() {
		if p, err := ip.WithZone("").Prefix(64); err == nil {
			address = p.String()
		}
	}
	return [2]string{hash("account " + strings.ToLower(login)), hash("address " + address)}
}

func waitAfter(over int64) time.Duration {
	if over > 10 {
		return longestWait
	}
	return min(firstWait<<over, longestWait)
}

func waitWords(d time.Duration) string {
	if d <= time.Minute {
		return "a minute"
	}
	return fmt.Sprintf("%d minutes", int(math.Ceil(d.Minutes())))
}
