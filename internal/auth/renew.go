package auth

import (
	"context"
	"strings"

	"drawbridge/internal/model"
)

// Renew returns the actor as they would be if they asked again now, by the same
// session, token or trust; CodeUnauthorized when they could not ask any more.
// Looking is no use: it keeps nothing from expiring.
func (a *Auth) Renew(ctx context.Context, actor model.Actor) (model.Actor, error) {
	ended := model.Errorf(model.CodeUnauthorized, "Your session or token has ended. Sign in again.")
	if !actor.Until.IsZero() && !a.now().Before(actor.Until) {
		return model.Actor{}, ended
	}
	if actor.Kind() == model.ActorSystem {
		return actor, nil // the server itself, as in the demo: nobody let it in, so nobody shuts it out
	}
	now, err := a.renew(ctx, actor)
	if err != nil && model.CodeOf(err) == model.CodeNotFound {
		return model.Actor{}, ended
	}
	return now, err
}

func (a *Auth) renew(ctx context.Context, actor model.Actor) (now model.Actor, err error) {
	q, teamID := a.store.Read(), ""
	switch {
	case actor.Session != "":
		x, err := q.UserSession(ctx, actor.Session)
		if err != nil {
			return model.Actor{}, err
		}
		if over(x, a.now()) {
			return model.Actor{}, model.NotFound("session", x.ID)
		}
		now, err = a.actorOf(ctx, q, x.UserID)
		return inSession(now, x, a.now()), err
	case strings.HasPrefix(actor.ID, model.PrefixToken):
		t, err := q.TokenByID(ctx, actor.ID)
		if err != nil {
			return model.Actor{}, err
		}
		now, teamID = tokenActor(t), t.TeamID
	default:
		t, err := q.TrustByID(ctx, actor.ID)
		if err != nil {
			return model.Actor{}, err
		}
		now, teamID = trustActor(t, actor.Until), t.TeamID
	}
	stands, err := a.stands(ctx, teamID, now.By)
	if err == nil && !stands {
		err = model.NotFound("maker", now.By)
	}
	return now, err
}
