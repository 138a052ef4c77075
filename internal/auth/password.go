package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Argon2id as OWASP's Password Storage Cheat Sheet has it: 19 MiB, two passes,
// one lane. A hash takes some 40 ms; two at once bound the memory that a flood
// of tries can take.
const (
	argonPasses  = 2
	argonKiB     = 19 * 1024
	argonLanes   = 1
	argonKey     = 32
	argonSalt    = 16
	hashesAtOnce = 2
)

const argonPrefix = "$argon2id$v=19$m=19456,t=2,p=1$"

// wrongPassword is the one answer to an unknown user, a wrong password, a user
// without one, and one who is switched off.
func wrongPassword() error {
	return model.Errorf(model.CodeUnauthorized, "The name and the password do not belong together. Try again; if you have no password, ask an owner of your team for an invitation.")
}

// noPasswordsHere is the answer to every password where they are switched off.
func noPasswordsHere() error {
	return model.Errorf(model.CodeForbidden, "Passwords are switched off here. Sign in with the provider; if it does not know you, ask who runs the server for a one-time link.")
}

// SignInByPassword signs a user in by name or address and password.
func (a *Auth) SignInByPassword(ctx context.Context, login, password string) error {
	if a.noPasswords {
		return noPasswordsHere()
	}
	login = normalLogin(login)
	if err := a.throttle(ctx, login); err != nil {
		return errors.Join(err, a.refused(ctx, nil, err))
	}
	u, err := a.checkPassword(ctx, login, password)
	if err != nil {
		return errors.Join(err, a.refused(ctx, u, err))
	}
	if err := a.begin(ctx, u); err != nil {
		return err
	}
	a.forgive(ctx, login)
	return nil
}

// normalLogin is a name, or an address as it is kept.
func normalLogin(login string) string {
	login = strings.TrimSpace(login)
	if strings.Contains(login, "@") {
		login = strings.ToLower(login)
	}
	return login
}

// checkPassword takes the same time for everybody, known or not. With the error
// about a wrong password it returns whose it was not.
func (a *Auth) checkPassword(ctx context.Context, login, password string) (*model.User, error) {
	q := a.store.Read()
	u, err := q.UserByLogin(ctx, login)
	if err != nil && model.CodeOf(err) != model.CodeNotFound {
		return nil, err
	}
	var stored string
	if err == nil && !u.Disabled() {
		if stored, err = q.PasswordHash(ctx, u.ID); err != nil {
			return nil, err
		}
	}
	ok, err := a.matches(ctx, stored, password)
	if err != nil {
		return nil, err
	}
	if !ok {
		return u, wrongPassword()
	}
	return u, nil
}

// Confirm notes that the signed-in user proved once more, by password, who
// they are.
func (a *Auth) Confirm(ctx context.Context, password string) error {
	actor, ok := a.UserActor(ctx)
	if !ok {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	if a.noPasswords {
		return noPasswordsHere()
	}
	who := &model.User{ID: actor.ID, Name: actor.Name}
	if err := a.throttle(ctx, actor.ID); err != nil {
		return errors.Join(err, a.refused(ctx, who, err))
	}
	stored, err := a.store.Read().PasswordHash(ctx, actor.ID)
	if err != nil {
		return err
	}
	good, err := a.matches(ctx, stored, password)
	if err != nil {
		return err
	}
	if !good {
		var invalid model.Invalid
		invalid.Add("password", "This is not your password.")
		return errors.Join(invalid.Err(), a.refused(ctx, who, invalid.Err()))
	}
	a.forgive(ctx, actor.ID)
	return a.confirmed(ctx, actor)
}

func (a *Auth) confirmed(ctx context.Context, actor model.Actor) error {
	return a.store.InTx(ctx, func(q *store.Queries) error {
		return q.ConfirmUserSession(ctx, actor.Session, a.now())
	})
}

// SetPassword gives the signed-in user a password. One who has a way in
// already must have proved a short while ago who they are. Their other
// sessions and open links end, and for an admin those of the set-up do.
func (a *Auth) SetPassword(ctx context.Context, password string) error {
	actor, ok := a.UserActor(ctx)
	if !ok {
		return model.Errorf(model.CodeUnauthorized, "Sign in first.")
	}
	u, err := a.store.Read().UserByID(ctx, actor.ID)
	if err != nil {
		return err
	}
	if actor.Stale && u.HasCredentials() {
		return model.Stale()
	}
	hashed, err := a.newPassword(ctx, password)
	if err != nil {
		return err
	}
	err = a.store.InTx(ctx, func(q *store.Queries) error {
		if err := q.SetPasswordHash(ctx, actor.ID, hashed); err != nil {
			return err
		}
		if err := q.DeleteUserSessions(ctx, actor.ID, actor.Session); err != nil {
			return err
		}
		if err := q.CloseSignInLinks(ctx, actor.ID); err != nil {
			return err
		}
		if err := q.ConfirmUserSession(ctx, actor.Session, a.now()); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: actor, Action: model.AuditPasswordSet, Noun: "user", ID: actor.ID, Name: actor.Name})
	})
	if err != nil {
		return fmt.Errorf("set the password of %s: %w", actor.ID, err)
	}
	return nil
}

// newPassword checks a new password and hashes it.
func (a *Auth) newPassword(ctx context.Context, password string) (string, error) {
	if a.noPasswords {
		return "", noPasswordsHere()
	}
	var v model.Invalid
	if why := model.ValidatePassword(password); why != "" {
		v.Add("password", "%s", why)
		return "", v.Err()
	}
	var salt [argonSalt]byte
	_, _ = rand.Read(salt[:])
	key, err := a.argon(ctx, password, salt[:])
	if err != nil {
		return "", err
	}
	b64 := base64.RawStdEncoding
	return argonPrefix + b64.EncodeToString(salt[:]) + "$" + b64.EncodeToString(key), nil
}

// matches compares in constant time, and does the same work when nothing is stored.
func (a *Auth) matches(ctx context.Context, stored, password string) (bool, error) {
	salt, want := make([]byte, argonSalt), make([]byte, argonKey)
	parts := strings.Split(strings.TrimPrefix(stored, argonPrefix), "$")
	known := strings.HasPrefix(stored, argonPrefix) && len(parts) == 2
	if known {
		var errSalt, errKey error
		salt, errSalt = base64.RawStdEncoding.DecodeString(parts[0])
		want, errKey = base64.RawStdEncoding.DecodeString(parts[1])
		known = errSalt == nil && errKey == nil
	}
	got, err := a.argon(ctx, password, salt)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && known, nil
}

// argon waits for one of the places, so that memory stays bounded.
func (a *Auth) argon(ctx context.Context, password string, salt []byte) ([]byte, error) {
	select {
	case a.hashing <- struct{}{}:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { <-a.hashing }()
	return argon2.IDKey([]byte(password), salt, argonPasses, argonKiB, argonLanes, argonKey), nil
}
