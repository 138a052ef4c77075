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

// touchEvery is how exact the last use of a token or session is kept.
const touchEvery = time.Minute

// CreateToken makes an API token. Its secret is returned here and never again.
func (a *Auth) CreateToken(ctx context.Context, r model.TokenRequest) (string, *model.Token, error) {
	if err := r.Validate(); err != nil {
		return "", nil, err
	}
	now := a.now().UTC().Truncate(time.Millisecond)
	t := &model.Token{
		ID: model.NewID(model.PrefixToken), TeamID: r.TeamID, Name: r.Name, Role: r.Role,
		CreatedBy: r.Actor.Maker(), CreatedAt: now, ExpiresAt: now.Add(r.Lifetime()),
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

// NewLink makes the secret of a link and the hash that is stored of it.
func (a *Auth) NewLink() (secret, hashed string) {
	secret = secretLink()
	return secret, hash(secret)
}

// TokenActor returns whom a bearer token stands for. A malformed, an unknown
// and an expired one get the same answer.
func (a *Auth) TokenActor(ctx context.Context, bearer string) (model.Actor, error) {
	refused := model.Errorf(model.CodeUnauthorized, "This API token is not valid: it is mistyped, deleted or expired. Make a new one with: server token create")
	if a.issuers != nil && looksLikeJWT(bearer) {
		return a.workloadActor(ctx, bearer)
	}
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
	stands, err := a.stands(ctx, t.TeamID, t.CreatedBy)
	if err != nil {
		return model.Actor{}, err
	}
	now := a.now()
	if !stands || !now.Before(t.ExpiresAt) {
		return model.Actor{}, refused
	}
	if now.Sub(t.LastUsedAt) >= touchEvery {
		a.note(ctx, "token", t.ID, func(q *store.Queries) error { return q.TouchToken(ctx, t.ID, now) })
	}
	return tokenActor(t), nil
}

// tokenActor is whom a token stands for.
func tokenActor(t *model.Token) model.Actor {
	actor := model.Actor{ID: t.ID, Name: t.Name, Admin: true}
	if t.Role != model.RoleAdmin {
		actor = model.Member(t.ID, t.Name, t.TeamID, t.Role)
	}
	actor.By, actor.Until = t.CreatedBy, t.ExpiresAt
	return actor
}

// stands tells whether the person who made a token or a trust for the team could
// still make it. One that was made at the server's command line goes back to
// nobody and stands.
func (a *Auth) stands(ctx context.Context, teamID, maker string) (bool, error) {
	if maker == "" {
		return true, nil
	}
	return a.store.Read().OwnerStands(ctx, teamID, maker)
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
