package traffic

import (
	"context"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"
	"github.com/chromedp/chromedp"

	"drawbridge/internal/awssim"
)

// openBrowser starts a real Chromium. Its context ends with the test.
func openBrowser(t *testing.T) context.Context {
	t.Helper()
	path := needs(t, "chromium")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewExecAllocator(ctx, append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true))...)
	t.Cleanup(cancel)
	ctx, cancel = chromedp.NewContext(ctx)
	t.Cleanup(cancel)
	if err := chromedp.Do(ctx, chromedp.Navigate("about:blank")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

func page(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	switch {
	case r.Method == http.MethodPost:
		_, _ = io.Copy(w, r.Body)
	case r.URL.Path != "/" && r.URL.Path != "/health":
		w.WriteHeader(http.StatusNotFound)
	}
	_, _ = io.WriteString(w, "<!doctype html><title>app</title><h1>Hello from the app</h1>")
}

// Chromium shows the app at the invoke URL, posts to it, and asks another
// origin's API by CORS.
func TestChromium(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(page))
	ctx := openBrowser(t)
	if err := chromedp.Do(ctx, chromedp.Navigate(c.invoke+"/"), chromedp.WaitVisible(chromedp.CSS("h1"))); err != nil {
		t.Fatal(err)
	}
	run := func(script string) string {
		t.Helper()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string](`(async () => { try { return String(await (`+script+`)()) } catch (e) { return "error: " + e.name } })()`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	if got := run(`async () => document.querySelector("h1").textContent`); got != "Hello from the app" {
		t.Errorf("the page says %q", got)
	}
	if got := run(`async () => (await (await fetch("/up", {method: "POST", body: "x".repeat(1e6)})).text()).length`); got != "1000060" {
		t.Errorf("posted a million, %s came back", got)
	}
	fromElsewhere := `async () => { const r = await fetch("` + c.invoke + `/x", {method: "PUT", headers: {"X-Team": "a"}}); return r.status + " " + r.headers.get("Apigw-Requestid").length }`
	if err := chromedp.Do(ctx, chromedp.Navigate("http://"+c.address+"/_awssim/health")); err != nil {
		t.Fatal(err)
	}
	if got := run(fromElsewhere); got != "error: TypeError" {
		t.Errorf("without CORS another origin got %s", got)
	}
	must[*apigatewayv2.UpdateApiOutput](t)(c.api.UpdateApi(t.Context(), &apigatewayv2.UpdateApiInput{ApiId: &c.apiID, CorsConfiguration: &types.Cors{
		AllowOrigins: []string{"http://" + c.address}, AllowMethods: []string{"PUT"}, AllowHeaders: []string{"x-team"}, ExposeHeaders: []string{"apigw-requestid"}, MaxAge: aws.Int32(1)}}))
	if got := run(fromElsewhere); got != "404 16" {
		t.Errorf("with CORS another origin got %s", got)
	}
}
