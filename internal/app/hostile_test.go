package app

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"drawbridge/internal/auth"
	"drawbridge/internal/auth/authtest"
	"drawbridge/internal/awssim"
	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
	"drawbridge/internal/store/storetest"
)

// -hostile lets the test go on for longer: half a minute tries every value in
// every field.
var hostileTime = flag.Duration("hostile", 2*time.Second, "how long to send hostile input")

// intruder is an admin who types hostile things into every form that there is.
type intruder struct {
	*house
	browser *http.Client
	seeds   []string // pages that no link leads to

	environment string
	issuer      *authtest.Issuer
	dir         string
	rand        *rand.Rand

	requests, refused, kept, failed int
	statuses                        map[int]int
	tried                           map[string]bool // fields
}

// TestHostileForms walks the wired server as an admin does, over links, and types
// hostile text into each field of each form that it finds, one at a time, the
// others being as they stand there. No answer is a 5xx, shows markup or a secret
// or leads away, and what was typed stays in the form. New forms come in by
// themselves.
func TestHostileForms(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(t *testing.T) string{
		"SQLite":     func(*testing.T) string { return "" },
		"PostgreSQL": func(t *testing.T) string { return storetest.Postgres(t) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newIntruder(t, dsn(t))
			fields, passes := 0, 0
			var formless []string
			for end := time.Now().Add(*hostileTime); passes == 0 || time.Now().Before(end) && passes < len(hostile.Texts()) && i.failed < 20; passes++ {
				pages, forms := i.crawl()
				fields = 0
				for n, f := range forms {
					for m, x := range f.fields {
						fields++
						i.typeInto(f, x, hostile.Texts()[(passes+7*n+31*m)%len(hostile.Texts())])
					}
				}
				if passes == 0 {
					formless = i.formless(forms)
					t.Logf("%d kinds of pages lead to %d forms with %d fields; no form leads to %q", pages, len(forms), fields, formless)
				}
				if passes == 0 && (pages < 20 || len(forms) < 20 || fields < 50) {
					t.Error("that is too few: the walk no longer finds its way")
				}
				for n, path := range formless {
					i.pour(path, hostile.Texts()[(passes+7*n)%len(hostile.Texts())])
				}
			}
			t.Logf("%d hostile requests to forms, %d passes over %d fields, 5xx and the like = %d, kept what was typed in %d of %d refusals, by status %v",
				i.requests, passes, len(i.tried), i.failed, i.kept, i.refused, i.statuses)
		})
	}
}

// newIntruder runs a whole server, with its worker and a simulated AWS, in which
// there is one of each thing.
func newIntruder(t *testing.T, dsn string) *intruder {
	t.Helper()
	dir, issuer := t.TempDir(), authtest.New(t)
	if dsn == "" {
		storetest.SQLiteFile(t, filepath.Join(dir, "drawbridge.db"))
	}
	h := bareHouse(t, dir)
	h.canaries.Add("the provider's client secret", authtest.ClientSecret)
	a, err := New(t.Context(), Config{Listen: "127.0.0.1:0", DataDir: dir, Database: dsn, Version: "test",
		Sim: SimConfig{Listen: "127.0.0.1:0", Profile: "instant"}, Access: AccessConfig{TrustedProxies: []string{"127.0.0.1"},
			Provider: &auth.ProviderConfig{Name: "Example", Issuer: issuer.URL, ClientID: authtest.ClientID, ClientSecret: authtest.ClientSecret,
				GroupsClaim: "groups", Groups: []auth.GroupRule{{Group: "eng", Team: "default", Role: model.RoleDeveloper}}}}},
		h.logs.logger())
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() { stop(); check(t, <-done) })
	h.app, h.url = a, strings.TrimSuffix(a.URL(), "/")
	team, err := a.Store.Read().TeamByName(t.Context(), "default")
	check(t, err)
	h.team = team.ID
	h.token = h.newToken(model.RoleOwner)
	i := &intruder{house: h, issuer: issuer, dir: dir, rand: rand.New(rand.NewPCG(5, 6)), statuses: map[int]int{}, tried: map[string]bool{}}
	i.signIn()
	i.fillAll()
	return i
}

// fillAll makes what pages show and forms change.
func (i *intruder) fillAll() {
	i.t.Helper()
	i.person("olga", model.RoleOwner)
	i.person("vera", model.RoleViewer)
	var b, job struct{ ID string }
	i.rest(i.token, "POST", "/backends", `{"name":"orders","spec":{"source":"launch","port":8000}}`, &b)
	i.rest(i.token, "POST", "/backends/"+b.ID+"/provision?wait=60s", "", &job)
	i.backend, i.job = b.ID, job.ID
	envs, err := i.app.Store.Read().Environments(i.t.Context())
	check(i.t, err)
	i.environment = envs[0].ID
	i.rest(i.token, "POST", "/teams/"+i.team+"/tokens", `{"name":"ci","role":"viewer"}`, nil)
	i.rest(i.token, "POST", "/teams/"+i.team+"/trusts", `{"name":"x","issuer":"https://i.example","audience":"a","claims":{"sub":"x:y"},"role":"viewer"}`, nil)
	i.rest(i.token, "POST", "/teams/"+i.team+"/invitations", `{"email":"eve@example.com","role":"viewer"}`, nil)
	var invited struct{ Path string }
	i.rest(i.token, "POST", "/teams/"+i.team+"/invitations", `{"email":"mallory@example.com","role":"viewer"}`, &invited)
	if status, _, _ := i.ask(i.browser, http.MethodPost, "/account/password", url.Values{"password": {housePassword}}); status != http.StatusSeeOther {
		i.t.Errorf("the admin's password: %d", status)
	}
	i.signIn() // a second browser, to be signed out from the first
	users, err := i.app.Store.Read().Users(i.t.Context())
	check(i.t, err)
	check(i.t, i.app.Store.InTx(i.t.Context(), func(q *store.Queries) error {
		return q.InsertIdentity(i.t.Context(), &model.Identity{Issuer: i.issuer.URL, Subject: "boss", UserID: users[0].ID})
	}))
	var lame, failed struct{ ID string }
	check(i.t, i.app.Sim.AddFault(awssim.Fault{Op: "apigatewayv2:CreateIntegration", Nth: 1, Do: awssim.Error(http.StatusBadRequest, "BadRequestException", "no")}))
	i.rest(i.token, "POST", "/backends", `{"name":"payments","spec":{"source":"launch","port":8000}}`, &lame)
	i.rest(i.token, "POST", "/backends/"+lame.ID+"/provision?wait=60s", "", &failed)
	var template struct{ ID string }
	i.rest(i.token, "POST", "/teams/"+i.team+"/sandbox-templates", `{"name":"Mine","spec":{}}`, &template)
	i.rest(i.token, "POST", "/teams/"+i.team+"/sandboxes", `{"key":"pr-7","template":"`+template.ID+`"}`, nil)
	const address = "canaryOfAWebhooksAddress0123456789"
	i.canaries.Add("a webhook's address", address)
	var hook struct{ Secret string }
	i.rest(i.token, "POST", "/teams/"+i.team+"/webhooks", `{"name":"ci","url":"https://hooks.example.com/x?key=`+address+`","events":["job.succeeded"]}`, &hook)
	i.canaries.Add("a webhook's secret", hook.Secret)
	i.canaries.Add("an invitation", strings.TrimPrefix(invited.Path, "/invitations/"))
	i.seeds = []string{"/", "/sign-in", "/account/confirm?next=/", "/backends/" + b.ID, "/jobs/" + job.ID, "/jobs/" + failed.ID, "/jobs/" + failed.ID + "/roll-back", invited.Path}
}

// signIn brings the admin in, whatever was done to the account.
func (i *intruder) signIn() {
	i.t.Helper()
	ctx := i.t.Context()
	users, err := i.app.Store.Read().Users(ctx)
	check(i.t, err)
	boss := users[0]
	check(i.t, i.app.Store.InTx(ctx, func(q *store.Queries) error {
		if err := q.SetUserDisabled(ctx, boss.ID, time.Time{}); err != nil {
			return err
		}
		return q.SetUserAdmin(ctx, boss.ID, true)
	}))
	token, _, err := i.app.Auth.NewRescueLink(ctx, commandLine(), boss.Name)
	check(i.t, err)
	i.canaries.Add("a sign-in link", token)
	jar, err := cookiejar.New(nil)
	check(i.t, err)
	i.browser = &http.Client{Jar: jar, CheckRedirect: noRedirects.CheckRedirect}
	resp, err := i.browser.PostForm(i.url+"/sign-in", url.Values{"token": {token}})
	check(i.t, err)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		i.t.Fatalf("the admin cannot sign in: %d", resp.StatusCode)
	}
	i.canaries.Add("a session", resp.Cookies()[0].Value)
}

// crawl follows links from page to page, one of each kind, and returns how many
// there were and their forms, one of each kind. Pages for strangers are asked
// for as a stranger.
func (i *intruder) crawl() (pages int, forms []form) {
	i.t.Helper()
	queue, seen, kinds := slices.Clone(i.seeds), map[string]bool{}, map[string]bool{}
	for len(queue) > 0 {
		address := queue[0]
		queue = queue[1:]
		if path, _, _ := strings.Cut(address, "?"); seen[shape(address)] && !slices.Contains(i.seeds, address) || strings.HasPrefix(path, "/static/") || strings.HasPrefix(path, "/api/") || strings.HasSuffix(path, "/stream") || strings.Contains(path, "/export/") {
			continue
		}
		if seen[address] {
			continue
		}
		seen[address], seen[shape(address)] = true, true
		status, header, body := i.ask(i.who(address), http.MethodGet, address, nil)
		if status != http.StatusOK || !strings.HasPrefix(header.Get("Content-Type"), "text/html") {
			continue
		}
		pages++
		found, links := readPage(address, body)
		queue = append(queue, links...)
		for _, f := range found {
			if !kinds[f.shape()] && f.action != "" && f.action != "/sign-out" {
				kinds[f.shape()] = true
				forms = append(forms, f)
			}
		}
	}
	return pages, forms
}

// formless are the addresses that take forms to which none of these leads: those
// of things that are not there just now.
func (i *intruder) formless(forms []form) (paths []string) {
	for _, r := range i.app.routes.Routes() {
		if r.Method != http.MethodPost || strings.HasPrefix(r.Path, "/api/") || r.Path == "/sign-out" {
			continue
		}
		pattern := regexp.MustCompile("^" + regexp.MustCompile(`:[a-zA-Z]+`).ReplaceAllString(r.Path, "[^/]+") + "$")
		if !slices.ContainsFunc(forms, func(f form) bool { return f.method == http.MethodPost && pattern.MatchString(f.action) }) {
			paths = append(paths, r.Path)
		}
	}
	slices.Sort(paths)
	return paths
}

// pour sends the text in every field that any form has, to an address with real
// ids in it and to one with the text in their place.
func (i *intruder) pour(path, text string) {
	i.t.Helper()
	v := url.Values{}
	for known := range i.tried {
		v.Set(known[strings.LastIndexByte(known, ' ')+1:], text)
	}
	for _, address := range []string{i.real(path), fillRoute(path, url.PathEscape(text))} {
		status, header, body := i.ask(i.browser, http.MethodPost, address, v)
		if why := hostile.Judge(status, header, body); why != "" {
			i.fail("POST %.200s with %.100q everywhere: %s: %.300s", address, text, why, body)
		}
	}
}

// real is a route's path with the ids of things that are there.
func (i *intruder) real(path string) string {
	noun, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	return fillRoute(path, map[string]string{"backends": i.backend, "jobs": i.job, "teams": i.team, "environments": i.environment}[noun])
}

// stranger is whoever has no session.
var stranger = noRedirects

// who asks for pages: the admin, but for those that are for strangers.
func (i *intruder) who(page string) *http.Client {
	if strings.HasPrefix(page, "/sign-in") || strings.HasPrefix(page, "/invitations") {
		return stranger
	}
	return i.browser
}

// typeInto sends a form with the text in one field, and looks at what comes back.
func (i *intruder) typeInto(f form, x field, text string) {
	i.t.Helper()
	i.tried[f.shape()+" "+x.name] = true
	v := f.values(x.name, text)
	method, address := f.method, f.action
	if method == http.MethodGet {
		path, _, _ := strings.Cut(address, "?")
		address, v = path+"?"+v.Encode(), nil
	}
	status, header, body := i.ask(i.who(f.page), method, address, v)
	what := fmt.Sprintf("%s %s of %s with %s = %.100q", method, f.action, f.page, x.name, text)
	if why := hostile.Judge(status, header, body); why != "" {
		i.fail("%s: %s: %.300s", what, why, body)
	}
	html := strings.HasPrefix(header.Get("Content-Type"), "text/html")
	if html && !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'self'") {
		i.fail("%s: a page without the policy", what)
	}
	if status == http.StatusUnprocessableEntity && html && x.typed && shows(text) {
		i.refused++
		if i.keeps(f, x, body, text) {
			i.kept++
		} else {
			i.fail("%s: the answer's form does not have it any more", what)
		}
	}
}

func (i *intruder) fail(format string, args ...any) {
	i.t.Helper()
	i.failed++
	i.t.Errorf(format, args...)
}

// shows tells whether a page can show the text as it is.
func shows(text string) bool {
	return text == strings.TrimSpace(text) && utf8.ValidString(text) && !strings.ContainsFunc(text, unicode.IsControl) && !strings.ContainsRune(text, '\ufeff')
}

// keeps tells whether the page has a form for the same with the text in that field.
func (i *intruder) keeps(f form, x field, body, text string) bool {
	forms, _ := readPage(f.page, body)
	for _, again := range forms {
		if y, ok := again.field(x.name); ok && again.action == f.action && y.value == text {
			return true
		}
	}
	return false
}

// ask sends a request; the admin who was shut out comes in again for the next.
func (i *intruder) ask(by *http.Client, method, address string, v url.Values) (int, http.Header, string) {
	i.t.Helper()
	ctx, cancel := context.WithTimeout(i.t.Context(), time.Minute)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, i.url+address, strings.NewReader(v.Encode()))
	check(i.t, err)
	if v != nil {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	// Another address each time, so that nobody is throttled.
	r.Header.Set("X-Forwarded-For", fmt.Sprintf("10.%d.%d.%d", i.rand.IntN(256), i.rand.IntN(256), i.rand.IntN(256)))
	resp, err := by.Do(r)
	check(i.t, err)
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	check(i.t, err)
	i.requests++
	i.statuses[resp.StatusCode]++
	if why := i.canaries.Find(method+" "+address, body); why != "" && !strings.HasPrefix(address, "/invitations") {
		i.fail("%s", why) // an invitation's own page has it in its form
	}
	if by != stranger && (resp.StatusCode == http.StatusUnauthorized || strings.HasPrefix(resp.Header.Get("Location"), "/sign-in")) {
		i.signIn()
	}
	return resp.StatusCode, maps.Clone(resp.Header), string(body)
}
