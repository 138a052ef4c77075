package web

import (
	"net/http"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/panel"
)

// switchWebhook switches it on or off.
func (w *Web) switchWebhook(c echo.Context) error {
	on := c.FormValue("enabled") == "true"
	_, err := w.panel.ChangeWebhook(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook"), panel.WebhookChange{Enabled: &on})
	if err != nil {
		return err
	}
	return redirect(c, pathWebhook(c.Param("id"), c.Param("webhook")))
}

// rotateWebhook shows the new secret, this once.
func (w *Web) rotateWebhook(c echo.Context) error {
	secret, h, err := w.panel.RotateWebhook(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook"))
	if err != nil {
		return err
	}
	return w.webhook(c, http.StatusOK, h.ID, func(v *webhookView) { v.Secret = newSecretView(secret) })
}

func (w *Web) deleteWebhook(c echo.Context) error {
	if err := w.panel.DeleteWebhook(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook")); err != nil {
		return err
	}
	return redirect(c, pathWebhooks(c.Param("id")))
}

func (w *Web) testWebhook(c echo.Context) error {
	if _, err := w.panel.TestWebhook(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook")); err != nil {
		return err
	}
	return redirect(c, pathWebhook(c.Param("id"), c.Param("webhook")))
}

func (w *Web) redeliver(c echo.Context) error {
	if _, err := w.panel.Redeliver(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook"), c.Param("delivery")); err != nil {
		return err
	}
	return redirect(c, pathWebhook(c.Param("id"), c.Param("webhook")))
}

func (w *Web) redeliverFailed(c echo.Context) error {
	if _, err := w.panel.RedeliverFailed(c.Request().Context(), actorOf(c), c.Param("id"), c.Param("webhook")); err != nil {
		return err
	}
	return redirect(c, pathWebhook(c.Param("id"), c.Param("webhook")))
}
