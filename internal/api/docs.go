package api

import (
	_ "embed"
	"net/http"

	"github.com/labstack/echo/v4"
)

//go:embed docs/index.html
var docsPage []byte

//go:embed docs/init.js
var docsScript []byte

// docsPolicy lets the page load its own scripts and styles and ask this
// server, and nothing else. Swagger UI draws its icons as data: images.
const docsPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// registerDocs serves the documentation page, which works without a network:
// Swagger UI is among the embedded assets under /static/vendor.
func registerDocs(e *echo.Echo) {
	serve := func(mediaType string, content []byte) echo.HandlerFunc {
		return func(c echo.Context) error {
			c.Response().Header().Set("Content-Security-Policy", docsPolicy)
			c.Response().Header().Set("Referrer-Policy", "no-referrer")
			return c.Blob(http.StatusOK, mediaType, content)
		}
	}
	e.GET("/api/docs", serve("text/html; charset=utf-8", docsPage))
	e.GET("/api/docs/init.js", serve("text/javascript; charset=utf-8", docsScript))
}
