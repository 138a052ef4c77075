package rest

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"

	"drawbridge/internal/hostile"
)

// pool has the ids that answers told, by what they begin with ("be_").
type pool struct {
	mu  sync.Mutex
	ids map[string][]string
}

// maxPool ids of a kind are remembered; newer ones take the place of old ones.
const maxPool = 60

var (
	idRE   = regexp.MustCompile(`"([a-z]{2,7}_)([a-z2-7]{16})"`)
	sgIDRE = regexp.MustCompile(`"(sg-|i-|subnet-)([0-9a-f]{17})"`)
)

func (p *pool) learn(r *rand.Rand, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, re := range []*regexp.Regexp{idRE, sgIDRE} {
		for _, m := range re.FindAllSubmatch(body, 20) {
			kind, id := string(m[1]), string(m[1])+string(m[2])
			switch have := p.ids[kind]; {
			case slices.Contains(have, id):
			case len(have) < maxPool:
				p.ids[kind] = append(have, id)
			default:
				have[r.IntN(maxPool)] = id
			}
		}
	}
}

// like is an id of the example's kind that exists, or once did.
func (p *pool) like(r *rand.Rand, example string) (string, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for kind, ids := range p.ids {
		if strings.HasPrefix(example, kind) && len(ids) > 0 {
			return ids[r.IntN(len(ids))], true
		}
	}
	return "", false
}

// generator makes requests from the document's schemas.
type generator struct {
	*rand.Rand
	doc  *document
	pool *pool
}

func (g *generator) odds(n int) bool { return g.IntN(n) == 0 }

func pick[T any](g *generator, from []T) T { return from[g.IntN(len(from))] }

// request is a random one of the operation; what it breaks is told, "" for a
// request that the schemas allow.
func (g *generator) request(op *operation) (r request, breaks string) {
	r = request{method: op.Method, path: op.Path, header: map[string]string{}}
	query := url.Values{}
	for _, p := range op.Parameters {
		if !p.Required && !g.odds(3) {
			continue
		}
		text := g.parameter(p)
		switch p.In {
		case "path":
			r.path = strings.ReplaceAll(r.path, "{"+p.Name+"}", url.PathEscape(text))
		case "query":
			query.Set(p.Name, text)
		case "header":
			r.header[p.Name] = text
		}
	}
	if op.Body != nil && (op.BodyNeeded || !g.odds(4)) {
		text, err := json.Marshal(g.value(op.Body, 0))
		if err != nil {
			panic(err) // of a schema that this generator does not know
		}
		r.body = string(text)
		if op.Example != nil && g.odds(4) {
			r.body = string(op.Example)
		}
	}
	if g.odds(2) {
		breaks = g.spoil(op, &r, query)
	}
	if len(query) > 0 {
		r.path += "?" + query.Encode()
	}
	return r, breaks
}

// spoil breaks one thing of a request.
func (g *generator) spoil(op *operation, r *request, query url.Values) string {
	switch g.IntN(9) {
	case 0:
		query.Set(g.word(), g.word())
		return "unknown parameter"
	case 1:
		if len(op.Parameters) == 0 {
			return ""
		}
		p := pick(g, op.Parameters)
		text := pick(g, hostile.Texts())
		if p.In == "query" {
			query[p.Name] = []string{text, text}[:1+g.IntN(2)]
		} else if p.In == "header" {
			r.header[p.Name] = unsendable.ReplaceAllString(text[:min(len(text), 2000)], "?")
		}
		return "hostile parameter"
	case 2:
		r.path = strings.ReplaceAll(op.Path, "{id}", url.PathEscape(pick(g, hostile.Texts())))
		return "hostile id"
	case 3:
		r.header["Content-Type"] = pick(g, []string{"text/html", "application/xml", "application/x-www-form-urlencoded", "application/json; charset=latin1"})
		return "content type"
	case 4:
		r.body = pick(g, hostile.Bodies())
		return "hostile body"
	case 5:
		r.header["Idempotency-Key"] = pick(g, []string{`""`, strings.Repeat("k", 300), "é", "k"})
		return "idempotency key"
	}
	return g.spoilBody(r)
}

// spoilBody changes one field of the body to what it must not be.
func (g *generator) spoilBody(r *request) string {
	var object map[string]any
	if json.Unmarshal([]byte(r.body), &object) != nil || len(object) == 0 {
		return ""
	}
	at := object
	for {
		name := pick(g, slices.Sorted(maps.Keys(at)))
		inner, ok := at[name].(map[string]any)
		if ok && len(inner) > 0 && !g.odds(3) {
			at = inner
			continue
		}
		switch g.IntN(3) {
		case 0:
			delete(at, name)
		case 1:
			at[g.word()] = g.word()
		default:
			at[name] = json.RawMessage(pick(g, hostile.JSON()))
		}
		break
	}
	text, err := json.Marshal(object)
	if err != nil { // of hostile JSON that is none
		return ""
	}
	r.body = string(text)
	return "field"
}

// unsendable are characters that Go's client does not send in a header.
var unsendable = regexp.MustCompile(`[\x00-\x1f\x7f]`)

func (g *generator) parameter(p parameter) string {
	if example := p.example(); example != "" {
		if id, ok := g.pool.like(g.Rand, example); ok && !g.odds(10) {
			return id
		}
		if p.Name == "wait" {
			return pick(g, []string{"1ms", "20ms", "0s"})
		}
		if p.In == "path" || p.Schema["pattern"] != nil || g.odds(2) {
			return example
		}
	}
	text := fmt.Sprint(g.value(p.Schema, 0))
	if p.In == "header" {
		text = unsendable.ReplaceAllString(text, "?")
	}
	return text
}

// value is one that the schema allows.
func (g *generator) value(s map[string]any, depth int) any {
	if ref, ok := s["$ref"].(string); ok {
		s = g.doc.schemas[ref[strings.LastIndexByte(ref, '/')+1:]]
	}
	if values, ok := s["enum"].([]any); ok {
		return pick(g, values)
	}
	if examples, ok := s["examples"].([]any); ok && !g.odds(3) {
		if text, ok := examples[0].(string); ok {
			if id, ok := g.pool.like(g.Rand, text); ok {
				return id
			}
		}
		return examples[0]
	}
	if v, ok := s["default"]; ok && g.odds(3) {
		return v
	}
	kind := s["type"]
	if kinds, ok := kind.([]any); ok {
		kind = kinds[0]
	}
	switch kind {
	case "object":
		return g.object(s, depth)
	case "array":
		items, _ := s["items"].(map[string]any)
		list := []any{}
		for range g.IntN(4) {
			list = append(list, g.value(items, depth+1))
		}
		return list
	case "integer", "number":
		return g.number(s)
	case "boolean":
		return g.odds(2)
	case "string":
		return g.text(s)
	}
	return map[string]any{}
}

func (g *generator) object(s map[string]any, depth int) any {
	out := map[string]any{}
	required, _ := s["required"].([]any)
	properties, _ := s["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(properties)) {
		if slices.Contains(required, any(name)) || depth < 5 && g.odds(2) {
			out[name] = g.value(properties[name].(map[string]any), depth+1)
		}
	}
	if values, ok := s["additionalProperties"].(map[string]any); ok {
		for range g.IntN(4) {
			out[g.word()] = g.value(values, depth+1)
		}
	}
	return out
}

func (g *generator) number(s map[string]any) any {
	low, high := -3.0, 100.0
	if v, ok := s["minimum"].(float64); ok {
		low = v
	}
	if v, ok := s["maximum"].(float64); ok {
		high = v
	} else {
		high = max(high, low+100)
	}
	return int(pick(g, []float64{low, high, low + 1, low + float64(g.IntN(int(high-low)+1))}))
}

func (g *generator) text(s map[string]any) string {
	if s["format"] == "date-time" {
		return pick(g, []string{"2026-01-02T03:04:05Z", "2030-12-31T23:59:59.999+09:00", "1970-01-01T00:00:00Z"})
	}
	least, most := 0, 40
	if v, ok := s["minLength"].(float64); ok {
		least = int(v)
	}
	if v, ok := s["maxLength"].(float64); ok {
		most = min(int(v), 3000)
	}
	text := g.word()
	if g.odds(4) {
		text = pick(g, hostile.Texts())
	}
	for len([]rune(text)) < least {
		text += "a"
	}
	if r := []rune(text); len(r) > most && most > 0 {
		text = string(r[:most])
	}
	return strings.ToValidUTF8(text, "?")
}

// word is a name that may be good: lower-case letters, digits and hyphens.
func (g *generator) word() string {
	const letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
	b := []byte{'a' + byte(g.IntN(26))}
	for range 3 + g.IntN(12) {
		b = append(b, letters[g.IntN(len(letters))])
	}
	return string(b)
}
