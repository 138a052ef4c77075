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

// NewSignInLink makes the token of a link that signs the admin in: once, and
// within an hour. Only its hash is stored.
func (a *Auth) NewSignInLink(ctx context.Context) (string, error) {
	token := secretLink()
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		return q.InsertSignInLink(ctx, hash(token), a.now().Add(linkLifetime))
	})
	if err != nil {
		return "", fmt.Errorf("save the sign-in link: %w", err)
	}
	return token, nil
}

// SignInByLink uses a link's token up and signs the admin in. A wrong, a used
// and an expired token get the same answer, and so does a good one once an
// admin has a way in of their own.
func (a *Auth) SignInByLink(ctx context.Context, token string) error {
	needed, err := a.NeedsSetUp(ctx)
	if err != nil {
		return err
	}
	var user *model.User
	err = a.store.InTx(ctx, func(q *store.Queries) error {
		ok, err := q.UseSignInLink(ctx, hash(token))
		if err != nil {
			return err
		}
		if !ok || !needed {
			return model.Errorf(model.CodeUnauthorized, "This sign-in link is not good any more: each works once, within an hour, and while no admin has a password. Restart Drawbridge to get a new one in its log.")
		}
		user, err = admin(ctx, q)
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
