package traffic

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/awssim"
)

const chains = 1000

// measureThousand makes one chain, writes it down a thousand times with other
// ids, and starts a simulator upon that: quotas forbid to make so many.
func measureThousand(b *testing.B) (megabytes float64, began time.Duration) {
	dir := b.TempDir()
	ids := multiply(b, dir)
	before := heap()
	at := time.Now()
	sim := must[*awssim.Sim](b)(awssim.New(awssim.Options{Dir: dir, Profile: awssim.Real}))
	began = time.Since(at)
	defer sim.Close()
	s := sim.Snapshot()
	if s.APIs != chains || s.LoadBalancers != chains || s.VPCLinks != chains || s.Routes != chains || s.Targets != chains {
		b.Fatalf("not a thousand chains: %+v", s)
	}
	srv := serveOn(b, sim)
	for _, id := range ids[:10] {
		r := must[*http.Request](b)(http.NewRequest("GET", srv+"/", nil))
		r.Host = id + ".execute-api." + region + ".localhost"
		res := must[*http.Response](b)(http.DefaultClient.Do(r))
		res.Body.Close()
		// Links take two minutes on the real clock; the gateway knows the route.
		if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusServiceUnavailable {
			b.Errorf("%s answers %s", id, res.Status)
		}
	}
	http.DefaultClient.CloseIdleConnections()
	megabytes = float64(heap()-before) / (1 << 20)
	runtime.KeepAlive(sim)
	return megabytes, began
}

func heap() int64 {
	runtime.GC()
	runtime.GC() // pools give up what they hold at the second
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// own are the kinds of rows that each chain has for itself.
var own = regexp.MustCompile(`^(elbv2\.|apigatewayv2\.|ec2\.(security_group|security_group_rule|instance|network_interface)$)`)

// idPart finds the random parts of ids: of EC2, of ELB's ARNs, of API Gateway.
var idPart = regexp.MustCompile(`(?:eni|sg|sgr|i|r)-0[0-9a-f]{16}|/[0-9a-f]{16}\b`)

// multiply returns the APIs' ids.
func multiply(b *testing.B, dir string) (apis []string) {
	first := b.TempDir()
	prepare(b, first)
	raw := must[[]byte](b)(os.ReadFile(filepath.Join(first, "state.jsonl")))
	type change struct {
		Kind  string          `json:"k"`
		ID    string          `json:"i"`
		Value json.RawMessage `json:"v,omitempty"`
	}
	rows, parts := map[string]change{}, map[string]bool{}
	for line := range bytes.Lines(raw) {
		var all []change
		if err := json.Unmarshal(line, &all); err != nil {
			b.Fatal(err)
		}
		for _, c := range all {
			rows[c.Kind+" "+c.ID] = c
		}
	}
	var shared, each []change
	for _, c := range rows {
		if !own.MatchString(c.Kind) {
			shared = append(shared, c)
			continue
		}
		each = append(each, c)
		text := c.ID + string(c.Value)
		for _, p := range idPart.FindAllString(text, -1) {
			parts[p] = true
		}
		if short := c.ID[strings.LastIndex(c.ID, "/")+1:]; strings.HasPrefix(c.Kind, "apigatewayv2.") && short != "$default" {
			parts[short] = true
		}
	}
	out := must[*os.File](b)(os.Create(filepath.Join(dir, "state.jsonl")))
	defer out.Close()
	enc := json.NewEncoder(out)
	for _, c := range shared {
		if err := enc.Encode([]change{c}); err != nil {
			b.Fatal(err)
		}
	}
	for n := range chains {
		var pairs []string
		for p := range parts {
			pairs = append(pairs, p, p[:len(p)-3]+fmt.Sprintf("%03x", n))
		}
		other := strings.NewReplacer(pairs...)
		for _, c := range each {
			c.ID, c.Value = other.Replace(c.ID), json.RawMessage(other.Replace(string(c.Value)))
			if err := enc.Encode([]change{c}); err != nil {
				b.Fatal(err)
			}
			if c.Kind == "apigatewayv2.api" {
				apis = append(apis, c.ID)
			}
		}
	}
	return apis
}
