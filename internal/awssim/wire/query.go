package wire

import (
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// Limits of a query request: far above what a client of the chain sends, low
// enough that a hostile one costs nothing.
const (
	maxDepth  = 12
	maxParams = 10_000
)

// Query is a decoded query request, or a structure inside one. Names may be
// dotted paths. A value of the wrong type is remembered: see Err. The zero
// value is empty.
type Query struct {
	node *node
	path string
	err  *error
}

type node struct {
	value string
	set   bool
	kids  map[string]*node
}

// ParseQuery reads `A.1.B=x` forms, with or without the `member` level.
func ParseQuery(form url.Values) (Query, error) {
	if len(form) > maxParams {
		return Query{}, BadRequest("InvalidParameterValue", "The request has more than %d parameters.", maxParams)
	}
	root := &node{}
	for name, values := range form {
		parts := strings.Split(name, ".")
		if len(parts) > maxDepth {
			return Query{}, BadRequest("InvalidParameterValue", "The parameter %s is nested too deep.", name)
		}
		n := root
		for _, p := range parts {
			if n.kids == nil {
				n.kids = map[string]*node{}
			}
			next := n.kids[p]
			if next == nil {
				next = &node{}
				n.kids[p] = next
			}
			n = next
		}
		n.set = true
		if len(values) > 0 {
			n.value = values[0]
		}
	}
	return Query{node: root, err: new(error)}, nil
}

// Err returns the first value that could not be read as what was asked for.
// Call it after reading and before any effect.
func (q Query) Err() error {
	if q.err == nil {
		return nil
	}
	return *q.err
}

// Sub returns the structure called name, empty when there is none.
func (q Query) Sub(name string) Query {
	n := q.node
	for _, p := range strings.Split(name, ".") {
		if n == nil {
			break
		}
		n = n.kids[p]
	}
	path := name
	if q.path != "" {
		path = q.path + "." + name
	}
	return Query{node: n, path: path, err: q.err}
}

// Has says whether anything called name was sent, even empty.
func (q Query) Has(name string) bool { return q.Sub(name).node != nil }

// Str returns the value of name, "" when there is none.
func (q Query) Str(name string) string { return q.Sub(name).value() }

func (q Query) value() string {
	if q.node == nil {
		return ""
	}
	return q.node.value
}

// Int returns the number called name, or def when it is absent or empty.
func (q Query) Int(name string, def int) int {
	s := q.Sub(name)
	if s.value() == "" {
		return def
	}
	i, err := strconv.Atoi(s.value())
	if err != nil {
		q.fail("Invalid value '%s' for %s. It must be a number.", s.value(), s.path)
		return def
	}
	return i
}

// Bool returns the truth value called name, or def when it is absent or empty.
func (q Query) Bool(name string, def bool) bool {
	s := q.Sub(name)
	switch strings.ToLower(s.value()) {
	case "":
		return def
	case "true":
		return true
	case "false":
		return false
	}
	q.fail("Invalid value '%s' for %s. It must be true or false.", s.value(), s.path)
	return def
}

func (q Query) fail(format string, args ...any) {
	if q.err != nil && *q.err == nil {
		*q.err = BadRequest("InvalidParameterValue", format, args...)
	}
}

// List returns the values of `name.1`, `name.2` … in order.
func (q Query) List(name string) []string {
	var out []string
	for _, s := range q.Structs(name) {
		out = append(out, s.value())
	}
	return out
}

// Structs returns the structures `name.1`, `name.2` … in order.
func (q Query) Structs(name string) []Query { return q.Sub(name).items() }

func (q Query) items() []Query {
	list := q
	if list.node == nil {
		return nil
	}
	if m, ok := list.node.kids["member"]; ok {
		list = Query{node: m, path: list.path + ".member", err: q.err}
	}
	var at []int
	byIndex := map[int]*node{}
	for k, n := range list.node.kids {
		if i, err := strconv.Atoi(k); err == nil && i >= 0 && byIndex[i] == nil {
			at = append(at, i)
			byIndex[i] = n
		}
	}
	slices.Sort(at)
	out := make([]Query, 0, len(at))
	for _, i := range at {
		out = append(out, Query{node: byIndex[i], path: list.path + "." + strconv.Itoa(i), err: q.err})
	}
	return out
}

// Values returns everything that was sent in q, by its name there.
func (q Query) Values() map[string]string {
	out := map[string]string{}
	q.node.walk("", out)
	return out
}

func (n *node) walk(path string, out map[string]string) {
	if n == nil {
		return
	}
	if n.set {
		out[path] = n.value
	}
	for name, kid := range n.kids {
		kid.walk(strings.TrimPrefix(path+"."+name, "."), out)
	}
}

// Over returns q with what only below has. A parameter that q has takes the
// place of the whole parameter below, lists and structures included.
func (q Query) Over(below Query) Query {
	out := Query{node: &node{kids: map[string]*node{}}, err: q.err}
	for _, layer := range []Query{below, q} {
		if layer.node != nil {
			maps.Copy(out.node.kids, layer.node.kids)
		}
	}
	return out
}

// XML writes the parameters of a request as they stand in an answer: names
// begin in lower case, and a list is a set of items; of says what set and items
// are called, by the path of the list. The names must be fit for XML.
func (q Query) XML(of func(path string) (set, item string)) []Node {
	if q.node == nil {
		return nil
	}
	var out []Node
	for _, name := range slices.Sorted(maps.Keys(q.node.kids)) {
		part := q.Sub(name)
		n := Node{Name: strings.ToLower(name[:1]) + name[1:], Text: part.value()}
		if items := part.items(); len(items) > 0 {
			set, item := of(part.path)
			n = Node{Name: set}
			for _, i := range items {
				n.Kids = append(n.Kids, Node{Name: item, Text: i.value(), Kids: i.XML(of)})
			}
		} else {
			n.Kids = part.XML(of)
		}
		out = append(out, n)
	}
	return out
}
