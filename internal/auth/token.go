package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"hash/crc32"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// An API token's secret: a prefix that scanners for leaked secrets can know,
// 190 random bits, and a checksum, so that a mistyped one is refused without
// asking the database.
const (
	tokenPrefix = "dbr_"
	tokenRandom = 32
	tokenCheck  = 6
	base62      = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
)

// Bounds of a token's life and name.
const (
	defaultTTL = 90 * 24 * time.Hour
	maxTTL     = 366 * 24 * time.Hour
	maxName    = 64
)

// touchEvery is how exact the last use of a token or session is kept.
const touchEvery = time.Minute

// TokenRequest says what token to make.
type TokenRequest struct {
	TeamID string // "" only for an admin's token
	Name   string // what it is for
	Role   model.Role
	TTL    time.Duration // 0 = 90 days; a year at most
	Actor  model.Actor   // who makes it
}

func (r *TokenRequest) validate() error {
	var v model.Invalid
	if r.Name == "" || len(r.Name) > maxName {
		v.Add("name", "Say what the token is for, in 1 to %d characters.", maxName)
	}
	if !r.Role.Valid() {
		v.Add("role", "%q is not a role; use viewer, developer, owner or admin.", r.Role)
	}
	if (r.TeamID == "") != (r.Role == model.RoleAdmin) {
		v.Add("team", "Name the team that the token acts for; only an admin's token has none.")
	}
	if r.TTL < 0 || r.TTL > maxTTL {
		v.Add("ttl", "Let the token expire within a year.")
	}
	return v.Err()
}

// CreateToken makes an API token. Its secret is returned here and never again.
func (a *Auth) CreateToken(ctx context.Context, r TokenRequest) (string, *model.Token, error) {
	if err := r.validate(); err != nil {
		return "", nil, err
	}
	if r.TTL == 0 {
		r.TTL = defaultTTL
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	t := &model.Token{
		ID: model.NewID(model.PrefixToken), TeamID: r.TeamID, Name: r.Name, Role: r.Role,
		CreatedAt: now, ExpiresAt: now.Add(r.TTL),
	}
	secret := newSecret()
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		if r.TeamID != "" {
			if _, err := q.TeamByID(ctx, r.TeamID); err != nil {
				return err
			}
		}
		if err := q.InsertToken(ctx, t, hash(secret)); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{
			Actor: r.Actor, Action: model.AuditTokenCreate, Noun: "token", ID: t.ID, Name: t.Name, TeamID: t.TeamID, After: t,
		})
	})
	if err != nil {
		return "", nil, fmt.Errorf("create token %s: %w", r.Name, err)
	}
	return secret, t, nil
}

// TokenActor returns whom a bearer token stands for. A malformed, an unknown
// and an expired one get the same answer.
func (a *Auth) TokenActor(ctx context.Context, bearer string) (model.Actor, error) {
	refused := model.Errorf(model.CodeUnauthorized, "This API token is not valid: it is mistyped, deleted or expired. Make a new one with: server token create")
	if !wellFormed(bearer) {
		return model.Actor{}, refused
	}
	t, err := a.store.Read().TokenByHash(ctx, hash(bearer))
	if err != nil && model.CodeOf(err) == model.CodeNotFound {
		return model.Actor{}, refused
	}
	if err != nil {
		return model.Actor{}, err
	}
	now := a.now()
	if !now.Before(t.ExpiresAt) {
		return model.Actor{}, refused
	}
	if now.Sub(t.LastUsedAt) >= touchEvery {
		a.note(ctx, "token", t.ID, func(q *store.Queries) error { return q.TouchToken(ctx, t.ID, now) })
	}
	if t.Role == model.RoleAdmin {
		return model.Actor{ID: t.ID, Name: t.Name, Admin: true}, nil
	}
	return model.Member(t.ID, t.Name, t.TeamID, t.Role), nil
}

func newSecret() string {
	var b strings.Builder
	b.WriteString(tokenPrefix)
	for b.Len() < len(tokenPrefix)+tokenRandom {
		var c [1]byte
		_, _ = rand.Read(c[:])
		if c[0] < 4*62 { // 248: each letter as likely as any other
			b.WriteByte(base62[c[0]%62])
		}
	}
	random := b.String()[len(tokenPrefix):]
	return b.String() + checksum(random)
}

// checksum is CRC-32 in base 62; it tells mistakes, not forgeries.
func checksum(random string) string {
	n := crc32.ChecksumIEEE([]byte(random))
	var out [tokenCheck]byte
	for i := tokenCheck - 1; i >= 0; i-- {
		out[i] = base62[n%62]
		n /= 62
	}
	return string(out[:])
}

func wellFormed(secret string) bool {
	body, ok := strings.CutPrefix(secret, tokenPrefix)
	return ok && len(body) == tokenRandom+tokenCheck && checksum(body[:tokenRandom]) == body[tokenRandom:]
}
