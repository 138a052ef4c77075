package ctl

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

const (
	maxFile      = 1 << 20 // bytes; what the panel takes of a backend
	maxDocuments = 200
	maxNesting   = 20
	maxRemarks   = 20 // are told of one file
)

// document is one backend of a file: what it says, and where each part stands.
type document struct {
	file   string
	root   *yaml.Node
	places map[string]spot // by path, as in spec.tests[0].path
	value  map[string]any  // as JSON has it
}

type spot struct{ line, column int }

// remark is what is wrong at a place of a file.
type remark struct {
	file string
	spot
	path, text string
}

func (r remark) String() string {
	at := r.file
	if r.line > 0 {
		at += fmt.Sprintf(":%d", r.line)
	}
	if r.column > 0 {
		at += fmt.Sprintf(":%d", r.column)
	}
	if r.path != "" {
		at += ": " + r.path
	}
	return at + ": " + r.text
}

// remarks are everything that is wrong with a file.
type remarks []remark

func (r remarks) Error() string {
	lines := make([]string, 0, len(r)+1)
	for _, one := range r[:min(len(r), maxRemarks)] {
		lines = append(lines, one.String())
	}
	if more := len(r) - maxRemarks; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return strings.Join(lines, "\n")
}

// err is nil when there is nothing to say.
func (r remarks) err() error {
	if len(r) == 0 {
		return nil
	}
	return r
}

// readFiles reads the documents of all files; "-" is standard input.
func readFiles(names []string) ([]*document, error) {
	var all []*document
	for _, name := range names {
		data, err := readFile(name)
		if err != nil {
			return nil, err
		}
		documents, err := parseFile(fileName(name), data)
		if err != nil {
			return nil, err
		}
		all = append(all, documents...)
	}
	return all, nil
}

func fileName(name string) string {
	if name == "-" {
		return "standard input"
	}
	return name
}

// readFile stops when a file is longer than can be meant.
func readFile(name string) ([]byte, error) {
	in := io.Reader(os.Stdin)
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("read the file: %w", err)
		}
		defer f.Close()
		in = f
	}
	data, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s: %w", fileName(name), err)
	case len(data) > maxFile:
		return nil, remarks{{file: fileName(name), text: "The file is larger than 1 MiB. Divide it."}}
	}
	return data, nil
}

// parseFile divides a file into its documents. Of YAML it takes what JSON can
// say, and comments: no anchors, no tags, no merging, no key twice.
func parseFile(name string, data []byte) ([]*document, error) {
	if line, text := unreadable(data); text != "" {
		return nil, remarks{{file: name, spot: spot{line: line}, text: text}}
	}
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var out []*document
	for {
		var node yaml.Node
		err := decoder.Decode(&node)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, remarks{syntaxError(name, err)}
		}
		if len(node.Content) == 0 || node.Content[0].Tag == "!!null" { // between two ---
			continue
		}
		if len(out) == maxDocuments {
			return nil, remarks{{file: name, spot: at(node.Content[0]), text: fmt.Sprintf("The file has more than %d documents. Divide it.", maxDocuments)}}
		}
		d := &document{file: name, root: node.Content[0], places: map[string]spot{}}
		r := &reader{document: d}
		value := r.value(d.root, "", 0)
		if err := r.found.err(); err != nil {
			return nil, err
		}
		object, ok := value.(map[string]any)
		if !ok {
			return nil, remarks{{file: name, spot: at(d.root), text: "A backend is written as name: value, a line each."}}
		}
		d.value = object
		out = append(out, d)
	}
	if len(out) == 0 {
		return nil, remarks{{file: name, text: "The file is empty."}}
	}
	return out, nil
}

func at(n *yaml.Node) spot { return spot{n.Line, n.Column} }

// unreadable finds what is no text.
func unreadable(data []byte) (line int, text string) {
	i := bytes.IndexByte(data, 0)
	text = "There is a NUL character in the file; is it text?"
	if i < 0 && !utf8.Valid(data) {
		text = "The file is not in UTF-8."
		for i = 0; i < len(data); {
			r, size := utf8.DecodeRune(data[i:])
			if r == utf8.RuneError && size == 1 {
				break
			}
			i += size
		}
	}
	if i < 0 {
		return 0, ""
	}
	return 1 + bytes.Count(data[:i], []byte("\n")), text
}

var yamlErrorRE = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

func syntaxError(name string, err error) remark {
	r := remark{file: name, text: "The YAML cannot be read: " + err.Error() + "."}
	if m := yamlErrorRE.FindStringSubmatch(err.Error()); m != nil {
		r.line, _ = strconv.Atoi(m[1]) // 0 where the library does not say
		r.text = "The YAML cannot be read: " + m[2] + "."
	}
	return r
}

// reader turns nodes into what JSON has, and notes where each stood.
type reader struct {
	*document
	found remarks
}

func (r *reader) refuse(n *yaml.Node, path, format string, args ...any) {
	r.found = append(r.found, remark{r.file, at(n), path, fmt.Sprintf(format, args...)})
}

func (r *reader) value(n *yaml.Node, path string, depth int) any {
	if _, known := r.places[path]; !known {
		r.places[path] = at(n)
	}
	switch {
	case n.Kind == yaml.AliasNode || n.Anchor != "":
		r.refuse(n, path, "Anchors and aliases are not taken here; write it out.")
		return nil
	case n.Style&yaml.TaggedStyle != 0:
		r.refuse(n, path, "The tag %s is not taken here; leave it out.", n.Tag)
		return nil
	case depth > maxNesting:
		r.refuse(n, path, "This is nested more than %d deep.", maxNesting)
		return nil
	}
	switch n.Kind {
	case yaml.MappingNode:
		return r.mapping(n, path, depth)
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i, item := range n.Content {
			list[i] = r.value(item, fmt.Sprintf("%s[%d]", path, i), depth+1)
		}
		return list
	}
	return r.scalar(n, path)
}

func (r *reader) mapping(n *yaml.Node, path string, depth int) any {
	object := map[string]any{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		name := key.Value
		inner := joinPath(path, name)
		switch _, twice := object[name]; {
		case key.Kind != yaml.ScalarNode || key.Tag == "!!merge":
			r.refuse(key, path, "Only names stand before a colon here.")
			continue
		case twice:
			r.refuse(key, inner, "This stands here twice; the first is in line %d.", r.places[inner].line)
			continue
		}
		r.places[inner] = at(key)
		object[name] = r.value(value, inner, depth+1)
	}
	return object
}

func joinPath(path, name string) string {
	if path == "" {
		return name
	}
	return path + "." + name
}

// scalar takes numbers as YAML writes them; dates stay text.
func (r *reader) scalar(n *yaml.Node, path string) any {
	var err error
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		var v bool
		err = n.Decode(&v)
		if err == nil {
			return v
		}
	case "!!int":
		var v int64
		err = n.Decode(&v)
		if err == nil {
			return v
		}
	case "!!float":
		var v float64
		err = n.Decode(&v)
		if err == nil && v-v == 0 { // neither infinite nor no number
			return v
		}
		r.refuse(n, path, "%s is not a number that can be meant here.", n.Value)
		return nil
	default:
		return n.Value
	}
	if err != nil {
		r.refuse(n, path, "%s cannot be read as a number.", n.Value)
	}
	return nil
}

// placed finds where the nearest thing around a path stands.
func (d *document) placed(path string) spot {
	for path != "" {
		if p, ok := d.places[path]; ok {
			return p
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return d.places[""]
}

// located tells a refusal of the panel's with lines instead of JSON's places.
func (d *document) located(err error) error {
	p, ok := errors.AsType[*problem](err)
	if !ok || len(p.Errors) == 0 {
		return err
	}
	var out remarks
	for _, e := range p.Errors {
		path := strings.TrimPrefix(e.Location, "body.")
		out = append(out, remark{d.file, d.placed(path), path, e.Message})
	}
	slices.SortStableFunc(out, func(a, b remark) int { return a.line - b.line })
	return out
}

// text is a field of the document that is text; "" when it is left out.
func (d *document) text(name string) string {
	s, _ := d.value[name].(string)
	return s
}
