package auth

import (
	"context"
	"errors"
	"fmt"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// NeedsSetUp tells whether no admin can sign in by themselves: then, and only
// then, the server may hand out a one-time link.
func (a *Auth) NeedsSetUp(ctx context.Context) (bool, error) {
	users, err := a.store.Read().Users(ctx)
	if err != nil {
		return false, err
	}
	for i := range users {
		if users[i].Admin && !users[i].Disabled() && users[i].HasCredentials() {
			return false, nil
		}
	}
	return true, nil
}

// NewSignInLink makes the token of a link that signs the first admin in: once,
// and within an hour. Only its hash is stored.
func (a *Auth) NewSignInLink(ctx context.Context) (string, error) {
	token := secretLink()
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		return q.InsertSignInLink(ctx, hash(token), "", a.now().Add(linkLifetime))
	})
	if err != nil {
		return "", fmt.Errorf("save the sign-in link: %w", err)
	}
	return token, nil
}

// NewRescueLink makes the token of a link that signs the user of that name or
// address in, who has lost every other way: once, and within an hour. It is for
// whoever may write the database anyway, by.
func (a *Auth) NewRescueLink(ctx context.Context, by model.Actor, login string) (string, *model.User, error) {
	token, login := secretLink(), normalLogin(login)
	var u *model.User
	err := a.store.InTx(ctx, func(q *store.Queries) (err error) {
		u, err = q.UserByLogin(ctx, login)
		if err != nil && model.CodeOf(err) == model.CodeNotFound {
			return model.Errorf(model.CodeNotFound, "Nobody has the name or address %q in this database. Look at --user, and at --data-dir or --database.", login)
		}
		if err != nil {
			return err
		}
		if u.Disabled() {
			return model.Errorf(model.CodeConflict, "The account of %s is switched off. An admin can switch it on.", u.Name)
		}
		if err := q.InsertSignInLink(ctx, hash(token), u.ID, a.now().Add(linkLifetime)); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: by, Action: model.AuditSignInLink, Noun: "user", ID: u.ID, Name: u.Name})
	})
	if err != nil {
		return "", nil, err
	}
	return token, u, nil
}

// SignInByLink uses a link's token up and signs its user in. A wrong, a used
// and an expired token get the same answer, and so do the first admin's, once an
// admin has a way in of their own, and that of somebody who is switched off.
func (a *Auth) SignInByLink(ctx context.Context, token string) error {
	setUp, err := a.NeedsSetUp(ctx)
	if err != nil {
		return err
	}
	refused := model.Errorf(model.CodeUnauthorized, "This sign-in link is not good any more: each works once, within an hour, and the first admin's while no admin has a password. The server prints a new one when it starts, or by: server sign-in-link")
	var user *model.User
	err = a.store.InTx(ctx, func(q *store.Queries) error {
		id, err := q.UseSignInLink(ctx, hash(token))
		switch {
		case err != nil && model.CodeOf(err) == model.CodeNotFound, err == nil && id == "" && !setUp:
			return refused
		case err != nil:
			return err
		case id == "":
			user, err = admin(ctx, q)
			return err
		}
		if user, err = q.UserByID(ctx, id); err == nil && user.Disabled() {
			err = refused
		}
		return err
	})
	if err != nil {
		return errors.Join(err, a.refused(ctx, nil, err))
	}
	return a.begin(ctx, user)
}

func admin(ctx context.Context, q *store.Queries) (*model.User, error) {
	users, err := q.Users(ctx)
	if err != nil {
		return nil, err
	}
	for i := range users {
		if users[i].Admin && !users[i].Disabled() {
			return &users[i], nil
		}
	}
	return nil, model.Errorf(model.CodeConflict, "There is no admin to sign in. Restart Drawbridge: it makes one when there is no user.")
}
