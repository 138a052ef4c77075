package wire

import (
	"bytes"
	"encoding/xml"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Node is an element of an XML answer.
type Node struct {
	Name  string
	XMLNS string
	Text  string
	Kids  []Node
}

// El is an element with children.
func El(name string, kids ...Node) Node { return Node{Name: name, Kids: kids} }

// Str is an element with text.
func Str(name, text string) Node { return Node{Name: name, Text: text} }

// Int is an element with a number.
func Int(name string, i int) Node { return Node{Name: name, Text: strconv.Itoa(i)} }

// Bool is an element with a truth value.
func Bool(name string, b bool) Node { return Node{Name: name, Text: strconv.FormatBool(b)} }

// Time is an element with a moment in the form that AWS uses.
func Time(name string, t time.Time) Node {
	return Node{Name: name, Text: t.UTC().Format("2006-01-02T15:04:05.000Z")}
}

// List is an element called name with one child called item for every value.
func List[T any](name, item string, values []T, kids func(T) []Node) Node {
	n := Node{Name: name}
	for _, v := range values {
		n.Kids = append(n.Kids, Node{Name: item, Kids: kids(v)})
	}
	return n
}

// Strings is a list of texts.
func Strings(name, item string, values []string) Node {
	n := Node{Name: name}
	for _, v := range values {
		n.Kids = append(n.Kids, Str(item, v))
	}
	return n
}

// Tags is a list of tags sorted by key; EC2 writes "key", ELB "Key".
func Tags(name, item, key, value string, tags map[string]string) Node {
	return List(name, item, slices.Sorted(maps.Keys(tags)), func(k string) []Node {
		return []Node{Str(key, k), Str(value, tags[k])}
	})
}

// Optional returns the nodes when ok, nothing otherwise.
func Optional(ok bool, nodes ...Node) []Node {
	if !ok {
		return nil
	}
	return nodes
}

// At returns the texts at a path of names, as in "attachmentSet.instanceId".
// The items of a list are passed over.
func At(nodes []Node, path string) []string {
	name, rest, deeper := strings.Cut(path, ".")
	var out []string
	for _, n := range nodes {
		switch {
		case n.Name == "item":
			out = append(out, At(n.Kids, path)...)
		case n.Name != name:
		case deeper:
			out = append(out, At(n.Kids, rest)...)
		case len(n.Kids) == 0:
			out = append(out, n.Text)
		default: // a list of texts
			for _, k := range n.Kids {
				out = append(out, k.Text)
			}
		}
	}
	return out
}

// Encode renders n as a document.
func (n Node) Encode() []byte {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>` + "\n")
	n.write(&b)
	return b.Bytes()
}

func (n Node) write(b *bytes.Buffer) {
	b.WriteString("<" + n.Name)
	if n.XMLNS != "" {
		b.WriteString(` xmlns="` + n.XMLNS + `"`)
	}
	if n.Text == "" && len(n.Kids) == 0 {
		b.WriteString("/>")
		return
	}
	b.WriteByte('>')
	// A bytes.Buffer never fails.
	_ = xml.EscapeText(b, []byte(n.Text))
	for _, k := range n.Kids {
		k.write(b)
	}
	b.WriteString("</" + n.Name + ">")
}
