package web

import (
	"flag"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/hostile"
	"drawbridge/internal/model"
)

// -hostile lets the random part of the test go on for longer.
var hostileTime = flag.Duration("hostile", 3*time.Second, "how long to send hostile input")

// intruder sends hostile requests to the pages and judges the answers.
type intruder struct {
	s        *site
	rand     *rand.Rand
	ids      []string
	names    []string // of the fields of all forms
	requests int
	failed   int
	statuses map[int]int
}

// TestHostileForms sends hostile values to every page, in every field that any
// form has, in the address and in headers: no answer is a 5xx, shows markup or
// leads to another site.
func TestHostileForms(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	b, job := s.start("orders")
	theirs := s.backend(model.PhaseReady, func(b *model.Backend) { b.ID, b.Name, b.TeamID = "be_theirs", "theirs", "team_b" })
	i := &intruder{s: s, rand: rand.New(rand.NewPCG(3, 4)), statuses: map[int]int{},
		ids: []string{b.ID, strings.TrimPrefix(job, "/jobs/"), theirs.ID, "team_a", "team_b", "env_local"}}
	i.names = i.fields()
	pages := slices.DeleteFunc(routes(), func(r route) bool { return strings.HasSuffix(r.Path, "/stream") })
	for _, r := range pages {
		for _, text := range hostile.Texts() {
			i.send(r, text, i.values(text), nil)
			i.send(r, i.ids[0], i.values(text), nil)
		}
		for _, body := range hostile.Bodies() {
			i.raw(r, i.ids[0], body, http.Header{"Content-Type": {"application/x-www-form-urlencoded"}})
			i.raw(r, i.ids[0], body, http.Header{"Content-Type": {"multipart/form-data; boundary=x"}})
		}
	}
	for end := time.Now().Add(*hostileTime); time.Now().Before(end) && i.failed < 10; {
		i.random(pages[i.rand.IntN(len(pages))])
	}
	t.Logf("%d hostile requests to %d pages with %d fields, 5xx = %d, by status %v", i.requests, len(pages), len(i.names), i.failed, i.statuses)
}

var fieldRE = regexp.MustCompile(` name="([^"]+)"`)

// fields are the names of all inputs on the pages that an admin sees, and of
// what addresses carry.
func (i *intruder) fields() []string {
	found := []string{"next", "page", "after", "before", "cursor", "operation"}
	for _, r := range routes() {
		if r.Method != http.MethodGet || strings.HasSuffix(r.Path, "/stream") {
			continue
		}
		for _, id := range i.ids {
			answer := i.s.as(admin, http.MethodGet, strings.ReplaceAll(r.Path, ":id", id), nil)
			body, _ := io.ReadAll(answer.Body)
			for _, m := range fieldRE.FindAllStringSubmatch(string(body), -1) {
				found = append(found, m[1])
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// values has the text in every field, or, where it is long, in as many as one
// form may carry, others each time: a form that is too large reaches no field.
func (i *intruder) values(text string) url.Values {
	const most = 256 << 10
	v := url.Values{}
	fields := max(1, most/(1+len(url.QueryEscape(text))))
	for n := range min(fields, len(i.names)) {
		v.Set(i.names[(i.requests+n)%len(i.names)], text)
	}
	return v
}

// random puts different texts into some fields, now and then twice.
func (i *intruder) random(r route) {
	text := func() string { return hostile.Texts()[i.rand.IntN(len(hostile.Texts()))] }
	v := url.Values{}
	for _, name := range i.names {
		for range i.rand.IntN(3) {
			v.Add(name, text())
		}
	}
	id := i.ids[i.rand.IntN(len(i.ids))]
	if i.rand.IntN(4) == 0 {
		id = text()
	}
	i.send(r, id, v, http.Header{"Hx-Request": {"true"}, "X-Forwarded-Host": {text()}, "X-Forwarded-For": {text()}, "Referer": {text()}, "Accept-Language": {text()}})
}

// send puts the values into the address of a GET and the body of a POST.
func (i *intruder) send(r route, id string, v url.Values, header http.Header) {
	if header == nil {
		header = http.Header{}
	}
	if r.Method == http.MethodGet {
		i.request(r, id, "?"+v.Encode(), "", header)
		return
	}
	header.Set("Content-Type", "application/x-www-form-urlencoded")
	i.request(r, id, "", v.Encode(), header)
}

func (i *intruder) raw(r route, id, body string, header http.Header) {
	i.request(r, id, "", body, header)
}

var parameter = regexp.MustCompile(`:[a-z]+`)

func (i *intruder) request(r route, id, query, body string, header http.Header) {
	path := parameter.ReplaceAllLiteralString(r.Path, url.PathEscape(id))
	req := httptest.NewRequestWithContext(i.s.t.Context(), r.Method, "/", strings.NewReader(body))
	u, err := url.Parse(path + query)
	if err != nil {
		i.s.t.Fatal(err)
	}
	req.URL, req.RequestURI, req.Header = u, path+query, header.Clone()
	req.Header.Set("X-Test-User", []string{admin.ID, owner.ID, developer.ID, viewer.ID, ""}[i.requests%5])
	w := httptest.NewRecorder()
	i.s.http.ServeHTTP(w, req)
	i.requests++
	i.statuses[w.Code]++
	if why := hostile.Judge(w.Code, w.Header(), w.Body.String()); why != "" {
		i.failed++
		i.s.t.Errorf("%s %.200s with %.200q, header %.200v: %s: %.300s", r.Method, path+query, body, header, why, w.Body)
	}
}
