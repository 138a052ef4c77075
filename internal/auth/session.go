package auth

import (
	"context"
	"fmt"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// sessionKey is the browser session's value that names the row of who signed in.
const sessionKey = "session_id"

// maxAgent bounds what is kept of a browser's own words.
const maxAgent = 200

// begin signs the user in: in a session with a new token, against one that
// was planted.
func (a *Auth) begin(ctx context.Context, u *model.User) error {
	if u.Disabled() {
		return model.Errorf(model.CodeUnauthorized, "This account is switched off. Ask an admin.")
	}
	from := model.OriginOf(ctx)
	x := &model.Session{UserID: u.ID, Address: from.IP, Agent: from.UserAgent[:min(len(from.UserAgent), maxAgent)], CreatedAt: a.now()}
	who := model.Actor{ID: u.ID, Name: u.Name, Admin: u.Admin}
	err := a.store.InTx(ctx, func(q *store.Queries) error {
		if err := q.InsertUserSession(ctx, x, a.now().Add(-sessionIdle)); err != nil {
			return err
		}
		return q.Audit(ctx, model.Change{Actor: who, Action: model.AuditSignIn, Noun: "session", ID: x.ID})
	})
	if err != nil {
		return fmt.Errorf("save the session of %s: %w", u.ID, err)
	}
	if err := a.Sessions.RenewToken(ctx); err != nil {
		return fmt.Errorf("renew the session: %w", err)
	}
	a.Sessions.Put(ctx, sessionKey, x.ID)
	return nil
}

// refused records a sign-in that failed for a wrong secret or for too many
// tries, in a transaction of its own: that of the sign-in was rolled back. u
// is whom it was meant for, if anybody. A stranger cannot fill the database with
// such rows: an address gets so many in a while, and the log says when it had them.
func (a *Auth) refused(ctx context.Context, u *model.User, why error) error {
	c := model.Change{Action: model.AuditSignIn, Noun: "session", Outcome: model.AuditRefused}
	switch model.CodeOf(why) {
	case model.CodeUnauthorized, model.CodeInvalid:
	case model.CodeTooMany:
		c.Outcome = model.AuditThrottled
	default:
		return nil
	}
	switch n := a.refusals.count(model.OriginOf(ctx).IP, a.now()); {
	case n == refusalsPerAddress+1:
		a.log.WarnContext(ctx, "refused sign-ins of this address are not recorded any more for a while", "address", model.OriginOf(ctx).IP)
		return nil
	case n > refusalsPerAddress:
		return nil
	}
	if u != nil {
		c.Noun, c.ID, c.Name = "user", u.ID, u.Name
	}
	return a.store.InTx(ctx, func(q *store.Queries) error { return q.Audit(ctx, c) })
}

// SignOut ends the session.
func (a *Auth) SignOut(ctx context.Context) error {
	if actor, ok := a.UserActor(ctx); ok {
		err := a.store.InTx(ctx, func(q *store.Queries) error {
			if err := q.DeleteUserSession(ctx, actor.ID, actor.Session); err != nil {
				return err
			}
			return q.Audit(ctx, model.Change{Actor: actor, Action: model.AuditSignOut, Noun: "session", ID: actor.Session})
		})
		if err != nil && model.CodeOf(err) != model.CodeNotFound {
			return err
		}
	}
	if err := a.Sessions.Destroy(ctx); err != nil {
		return fmt.Errorf("end the session: %w", err)
	}
	return nil
}

// UserActor returns who is signed in, if anybody: the session is still there
// and its user is not switched off.
func (a *Auth) UserActor(ctx context.Context) (model.Actor, bool) {
	id := a.Sessions.GetString(ctx, sessionKey)
	if id == "" {
		return model.Actor{}, false
	}
	actor, err := a.sessionActor(ctx, id)
	if err != nil {
		if code := model.CodeOf(err); code != model.CodeNotFound && code != model.CodeUnauthorized {
			a.log.ErrorContext(ctx, "user cannot be read", "error", err)
		}
		return model.Actor{}, false
	}
	return actor, true
}

func (a *Auth) sessionActor(ctx context.Context, id string) (model.Actor, error) {
	q := a.store.Read()
	x, err := q.UserSession(ctx, id)
	if err != nil {
		return model.Actor{}, err
	}
	actor, err := a.actorOf(ctx, q, x.UserID)
	if err != nil {
		return model.Actor{}, err
	}
	now := a.now()
	if over(x, now) {
		return model.Actor{}, model.NotFound("session", x.ID)
	}
	actor = inSession(actor, x, now)
	if now.Sub(x.SeenAt) >= touchEvery {
		a.note(ctx, "session", id, func(q *store.Queries) error { return q.TouchUserSession(ctx, id, now) })
	}
	return actor, nil
}

// over tells whether the session has expired, whatever the browser's cookie and
// the row behind it say: it was idle for too long, or has lasted long enough.
func over(x *model.Session, now time.Time) bool {
	return now.Sub(x.SeenAt) > sessionIdle+touchEvery || !now.Before(x.CreatedAt.Add(sessionLifetime))
}

func inSession(actor model.Actor, x *model.Session, now time.Time) model.Actor {
	actor.Session, actor.Stale = x.ID, now.Sub(x.ConfirmedAt) > confirmedFor
	actor.Until = x.CreatedAt.Add(sessionLifetime)
	return actor
}

// actorOf is the user with their teams; CodeUnauthorized when switched off.
func (a *Auth) actorOf(ctx context.Context, q *store.Queries, userID string) (model.Actor, error) {
	u, err := q.UserByID(ctx, userID)
	if err != nil {
		return model.Actor{}, err
	}
	if u.Disabled() {
		return model.Actor{}, model.Errorf(model.CodeUnauthorized, "This account is switched off. Ask an admin.")
	}
	memberships, err := q.Memberships(ctx, userID)
	if err != nil {
		return model.Actor{}, err
	}
	actor := model.Actor{ID: u.ID, Name: u.Name, Admin: u.Admin, Person: true, NoWayIn: !u.HasCredentials(), Teams: map[string]model.Role{}}
	for _, m := range memberships {
		actor.Teams[m.TeamID] = m.Role
	}
	return actor, nil
}

// note writes down that something was used. A full disk must not lock anybody
// out, so an error is logged and no more.
func (a *Auth) note(ctx context.Context, noun, id string, write func(q *store.Queries) error) {
	if err := a.store.InTx(ctx, write); err != nil {
		a.log.WarnContext(ctx, "use of a "+noun+" not noted", "id", id, "error", err)
	}
}
