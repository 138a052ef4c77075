// Package auth knows who asks: browser sessions, the one-time sign-in link,
// API tokens and the roles behind them. What a role may do is decided in panel.
package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
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
)

// userKey is the session's only value: the id of who signed in.
const userKey = "user_id"

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
}

// Auth answers who asks.
type Auth struct {
	// Sessions belongs around every handler that calls SignIn, SignOut or
	// UserActor (Sessions.LoadAndSave).
	Sessions *scs.SessionManager
	store    *store.Store
	now      func() time.Time
	log      *slog.Logger
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
	return &Auth{Sessions: sessions, store: st, now: o.Now, log: o.Logger}
}

// SeedAdmin makes the one admin and the first team, if there is no user or no
// team. It may be called at every start.
func (a *Auth) SeedAdmin(ctx context.Context) error {
	return a.store.InTx(ctx, func(q *store.Queries) error {
		users, err := q.Users(ctx)
		if err != nil {
			return err
		}
		if len(users) == 0 {
			if err := q.InsertUser(ctx, &model.User{Name: AdminName, Role: model.RoleAdmin}); err != nil {
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

// NewSignInLink makes the token of a link that signs the admin in: once, and
// within an hour. Only its hash is stored.
func (a *Auth) NewSignInLink(ctx context.Context) (string, error) {
	var secret [32]byte
	_, _ = rand.Read(secret[:]) // never fails since Go 1.24
	token := base64.RawURLEncoding.EncodeToString(secret[:])
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		return q.InsertSignInLink(ctx, hash(token), a.now().Add(linkLifetime))
	})
	if err != nil {
		return "", fmt.Errorf("save the sign-in link: %w", err)
	}
	return token, nil
}

// SignIn uses a link's token up and signs the admin in, in a session with a
// new token. A wrong, a used and an expired token get the same answer.
func (a *Auth) SignIn(ctx context.Context, token string) (*model.User, error) {
	var user *model.User
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		ok, err := q.UseSignInLink(ctx, hash(token))
		if err != nil {
			return err
		}
		if !ok {
			return model.Errorf(model.CodeUnauthorized, "This sign-in link is not good any more: each works once, within an hour. Restart Drawbridge to get a new one in its log.")
		}
		if user, err = admin(ctx, q); err != nil {
			return err
		}
		return q.Audit(ctx, signIn(actorOf(user), model.AuditDone))
	})
	if err != nil {
		return nil, errors.Join(err, a.auditRefusal(ctx, err))
	}
	if err := a.Sessions.RenewToken(ctx); err != nil { // against a session that was planted
		return nil, fmt.Errorf("renew the session: %w", err)
	}
	a.Sessions.Put(ctx, userKey, user.ID)
	return user, nil
}

// auditRefusal records a sign-in that failed for a wrong secret, in a
// transaction of its own: that of the sign-in was rolled back.
func (a *Auth) auditRefusal(ctx context.Context, err error) error {
	if model.CodeOf(err) != model.CodeUnauthorized {
		return nil
	}
	return a.store.InTx(ctx, func(q *store.Queries) error {
		return q.Audit(ctx, signIn(model.Actor{}, model.AuditRefused))
	})
}

func signIn(who model.Actor, outcome model.AuditOutcome) model.Change {
	return model.Change{Actor: who, Action: model.AuditSignIn, Noun: "session", Outcome: outcome}
}

func actorOf(u *model.User) model.Actor { return model.Actor{ID: u.ID, Name: u.Name, Role: u.Role} }

func admin(ctx context.Context, q *store.Queries) (*model.User, error) {
	users, err := q.Users(ctx)
	if err != nil {
		return nil, err
	}
	for i := range users {
		if users[i].Role == model.RoleAdmin {
			return &users[i], nil
		}
	}
	return nil, model.Errorf(model.CodeConflict, "There is no admin to sign in. Restart Drawbridge: it makes one when there is no user.")
}

// SignOut ends the session.
func (a *Auth) SignOut(ctx context.Context) error {
	if who, ok := a.UserActor(ctx); ok {
		err := a.store.InTx(ctx, func(q *store.Queries) error {
			return q.Audit(ctx, model.Change{Actor: who, Action: model.AuditSignOut, Noun: "session"})
		})
		if err != nil {
			return err
		}
	}
	if err := a.Sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// UserActor returns who is signed in, if anybody.
func (a *Auth) UserActor(ctx context.Context) (model.Actor, bool) {
	id := a.Sessions.GetString(ctx, userKey)
	if id == "" {
		return model.Actor{}, false
	}
	u, err := a.store.Read().UserByID(ctx, id)
	if err != nil {
		if model.CodeOf(err) != model.CodeNotFound { // a user who is deleted is signed out
			a.log.ErrorContext(ctx, "user cannot be read", "error", err)
		}
		return model.Actor{}, false
	}
	return actorOf(u), true
}

// hash is what is stored of a secret of 128 random bits or more, which needs
// no salt and no slowness. It is looked up, not compared, so time tells nothing.
func hash(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return hex.EncodeToString(sum[:])
}
