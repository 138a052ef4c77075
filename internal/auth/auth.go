// Package auth knows who asks: people by password, by provider or by the
// one-time link, their browsers' sessions, API tokens and workload tokens.
// What a role may do is decided in panel.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/alexedwards/scs/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// How long things are good for.
const (
	sessionIdle     = 12 * time.Hour
	sessionLifetime = 7 * 24 * time.Hour
	linkLifetime    = time.Hour
	confirmedFor    = 10 * time.Minute
)

// Names of what SeedAdmin makes.
const (
	AdminName   = "admin"
	DefaultTeam = "default"
)

// Options of an Auth.
type Options struct {
	Secure bool             // the panel is reached by HTTPS: cookies are, too
	Now    func() time.Time // the store's when nil, which replicas share
	Logger *slog.Logger     // slog.Default when nil
	// NoPasswords lets nobody in by password, and nobody choose one.
	NoPasswords bool
	// Issuers asks the issuers of workload tokens, whose addresses teams
	// choose, for their keys; nil refuses workload tokens.
	Issuers *http.Client
}

// Auth answers who asks.
type Auth struct {
	// Sessions belongs around every handler that calls a method which finds
	// the browser's session in ctx (Sessions.LoadAndSave).
	Sessions *scs.SessionManager
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
	hashing  chan struct{} // a place for each password hash at work
	issuers  *issuers      // nil when workload tokens are refused

	noPasswords bool
	refusals    refusals
}

// New makes an Auth on the store.
func New(st *store.Store, o Options) *Auth {
	if o.Now == nil {
		o.Now = st.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	name := "drawbridge_session"
	if o.Secure {
		name = "__Host-drawbridge" // browsers bind this name to the host and to HTTPS
	}
	// Not scs.New: that starts a goroutine for a store in memory which nothing can stop.
	sessions := &scs.SessionManager{
		Store: st.Sessions(), Codec: scs.GobCodec{}, HashTokenInStore: true,
		IdleTimeout: sessionIdle, Lifetime: sessionLifetime,
		Cookie: scs.SessionCookie{
			Name: name, Path: "/", Persist: true, Secure: o.Secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
		},
		ErrorFunc: func(w http.ResponseWriter, r *http.Request, err error) {
			o.Logger.ErrorContext(r.Context(), "session cannot be read or written", "error", err)
			http.Error(w, "Drawbridge's database does not answer. Try again in a moment.", http.StatusServiceUnavailable)
		},
	}
	a := &Auth{Sessions: sessions, store: st, now: o.Now, log: o.Logger, hashing: make(chan struct{}, hashesAtOnce), noPasswords: o.NoPasswords}
	if o.Issuers != nil {
		a.issuers = &issuers{http: o.Issuers, now: o.Now, known: map[string]*issuer{}}
	}
	return a
}

// SeedAdmin makes the first admin and the first team, if there is no user or
// no team. It may be called at every start.
func (a *Auth) SeedAdmin(ctx context.Context) error {
	return a.store.InTx(ctx, func(q *store.Queries) error {
		users, err := q.Users(ctx)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			if err := q.InsertUser(ctx, &model.User{Name: AdminName, Admin: true}); err != nil {
				return fmt.Errorf("make the admin: %w", err)
			}
		}
		teams, err := q.Teams(ctx)
		if err != nil || len(teams) > 0 {
			return err
		}
		return q.InsertTeam(ctx, &model.Team{Name: DefaultTeam})
	})
}

// secretLink is a random text for a link, of 256 bits.
func secretLink() string {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails since Go 1.24
	return base64.RawURLEncoding.EncodeToString(secret[:])
}

// hash is what is stored of a secret of 128 random bits or more, which needs
// no salt and no slowness. It is looked up, not compared, so time tells nothing.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
