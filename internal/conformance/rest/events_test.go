package rest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

// TestAllEventsAreTakenUp breaks the stream of all events off after every few
// events and takes it up where it was: of no backend is an event missed.
func TestAllEventsAreTakenUp(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var team, other model.Team
	w.ask(request{"POST", "/teams", w.admin, `{"name":"here"}`, nil}).into(t, &team)
	w.ask(request{"POST", "/teams", w.admin, `{"name":"elsewhere"}`, nil}).into(t, &other)
	owner, stranger := w.token(team.ID, model.RoleOwner), w.token(other.ID, model.RoleOwner)
	r := &allReader{t: t, w: w, token: owner, seen: map[string]map[int64]bool{}}
	r.read(0) // to have a mark from before
	ends := map[string]bool{}
	for _, name := range []string{"one", "two", "three"} {
		var b model.Backend
		w.ask(request{"POST", "/backends", owner, `{"name":"` + name + `","spec":{}}`, nil}).into(t, &b)
		w.ask(request{"POST", "/backends/" + b.ID + "/provision?wait=50s", owner, "", nil})
		ends[b.ID] = true
	}
	w.ask(request{"POST", "/backends", stranger, `{"name":"hidden","spec":{}}`, nil})
	for id := range ends {
		var b model.Backend
		w.ask(request{method: "GET", path: "/backends/" + id, token: owner}).into(t, &b)
		for r.has(id) < b.EventSeq {
			r.read(25)
		}
	}
	if len(r.seen) != len(ends) {
		t.Errorf("events of %d backends came, want %d", len(r.seen), len(ends))
	}
	t.Logf("the stream was opened %d times; %d events came, %d of them again", r.opened, r.came, r.again)
}

// allReader reads the stream of all events.
type allReader struct {
	t                   *testing.T
	w                   *world
	token, mark         string
	seen                map[string]map[int64]bool
	opened, came, again int
}

// has is up to which number a backend's events came without a gap.
func (r *allReader) has(id string) (n int64) {
	for r.seen[id][n+1] {
		n++
	}
	return n
}

// read opens the stream, reads events until most of them were new and a mark
// came after them, and leaves.
func (r *allReader) read(most int) {
	r.t.Helper()
	req, err := http.NewRequestWithContext(r.t.Context(), "GET", r.w.base+"/events", http.NoBody)
	check(r.t, err)
	req.Header.Set("Authorization", "Bearer "+r.token)
	if r.mark != "" {
		req.Header.Set("Last-Event-ID", r.mark)
	}
	resp, err := r.w.client.Do(req)
	check(r.t, err)
	defer resp.Body.Close()
	r.opened++
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 4<<20)
	for fresh := 0; lines.Scan(); {
		if id, ok := strings.CutPrefix(lines.Text(), "id: "); ok {
			r.mark = id
			if fresh > 0 || most == 0 {
				return
			}
		}
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		var e model.Event
		check(r.t, json.Unmarshal([]byte(data), &e))
		r.came++
		if r.seen[e.BackendID] == nil {
			r.seen[e.BackendID] = map[int64]bool{}
		}
		if r.seen[e.BackendID][e.Seq] {
			r.again++
			continue
		}
		r.seen[e.BackendID][e.Seq] = true
		if fresh++; fresh == most { // it breaks off, before any mark
			return
		}
	}
	r.t.Fatalf("the stream ended: %v", lines.Err())
}
