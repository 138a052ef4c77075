package web

import (
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

// saveMember changes a member's role.
func (w *Web) saveMember(c echo.Context) error {
	role := model.Role(c.FormValue("role"))
	err := w.panel.SetMemberRole(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("user"), role)
	if err != nil {
		return err
	}
	return redirect(c, pathTeam(c.Param("id")))
}

func (w *Web) removeMember(c echo.Context) error {
	if err := w.panel.RemoveMember(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("user")); err != nil {
		return err
	}
	return redirect(c, pathTeam(c.Param("id")))
}

// createInvitation shows the invitation's link, this once.
func (w *Web) createInvitation(c echo.Context) error {
	role := model.Role(c.FormValue("role"))
	secret, i, err := w.panel.Invite(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("email"), role)
	if err != nil {
		return w.refusedForm(c, err, func(v *teamView) *formView { return &v.Invite })
	}
	return w.team(c, http.StatusOK, func(v *teamView) {
		v.Secret = &secretView{
			Title: "Send this link to " + i.Email, Value: w.url + pathInvitation(secret), TestID: "invitation-link",
			Text: "It is shown this once, works once and for seven days, and only for that address.",
		}
	})
}

func (w *Web) revokeInvitation(c echo.Context) error {
	if err := w.panel.RevokeInvitation(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("invitation")); err != nil {
		return err
	}
	return redirect(c, pathTeam(c.Param("id")))
}

// createToken shows the token, this once.
func (w *Web) createToken(c echo.Context) error {
	ttl := time.Duration(-1) // what is no number of days is refused, after who asks
	if days, err := strconv.Atoi(strings.TrimSpace(c.FormValue("ttl"))); err == nil && days >= 1 && days <= 366 {
		ttl = time.Duration(days) * 24 * time.Hour
	}
	secret, _, err := w.panel.CreateToken(c.Request().Context(), actorOf(c), c.Param("id"), c.FormValue("name"), model.Role(c.FormValue("role")), ttl)
	if err != nil {
		return w.refusedForm(c, err, func(v *teamView) *formView { return &v.Token })
	}
	return w.team(c, http.StatusOK, func(v *teamView) {
		v.Secret = &secretView{
			Title: "The new API token", Value: secret, TestID: "token-secret",
			Text: "Copy it now: it is shown this once, and only a hash of it is kept.",
		}
	})
}

func (w *Web) revokeToken(c echo.Context) error {
	if err := w.panel.RevokeToken(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("token")); err != nil {
		return err
	}
	return redirect(c, pathTeam(c.Param("id")))
}

// createTrust lets workloads act for the team.
func (w *Web) createTrust(c echo.Context) error {
	t := model.Trust{
		TeamID: c.Param("id"), Name: c.FormValue("name"), Issuer: strings.TrimSpace(c.FormValue("issuer")),
		Audience: strings.TrimSpace(c.FormValue("audience")), Role: model.Role(c.FormValue("role")),
		Claims: map[string]string{},
	}
	for line := range strings.Lines(c.FormValue("claims")) {
		if line = strings.TrimSpace(line); line != "" {
			name, pattern, _ := strings.Cut(line, "=")
			t.Claims[strings.TrimSpace(name)] = strings.TrimSpace(pattern)
		}
	}
	if _, err := w.panel.CreateTrust(c.Request().Context(), actorOf(c), t); err != nil {
		return w.refusedForm(c, err, func(v *teamView) *formView { return &v.Trust })
	}
	return redirect(c, pathTeam(t.TeamID))
}

func (w *Web) deleteTrust(c echo.Context) error {
	if err := w.panel.DeleteTrust(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("trust")); err != nil {
		return err
	}
	return redirect(c, pathTeam(c.Param("id")))
}
