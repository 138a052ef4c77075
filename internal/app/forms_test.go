package app

import (
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// form is one of a page, as a browser that runs no script would send it.
type form struct {
	page, method, action string // the two addresses without the server
	fields               []field
}

// field is one of a form. What is typed into it is to be seen again when it was refused.
type field struct {
	name, value string
	typed       bool
}

// values are the form as it stands on the page, but for one field.
func (f form) values(name, text string) url.Values {
	v := url.Values{}
	for _, x := range f.fields {
		if x.name != name {
			v.Add(x.name, x.value)
		}
	}
	v.Set(name, text)
	return v
}

// field finds one; the zero field when the form has none of that name.
func (f form) field(name string) (field, bool) {
	for _, x := range f.fields {
		if x.name == name {
			return x, true
		}
	}
	return field{}, false
}

var madeID = regexp.MustCompile(`\b[a-z]+_[a-z0-9]{12,}\b|[A-Za-z0-9_-]{40,}`)

// shape is an address, or a form, without what tells two things of a kind apart.
func shape(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return address
	}
	return madeID.ReplaceAllString(u.Path, "ID") + "?" + strings.Join(slices.Sorted(maps.Keys(u.Query())), "&")
}

func (f form) shape() string {
	names := make([]string, len(f.fields))
	for i, x := range f.fields {
		names[i] = x.name
	}
	return f.method + " " + shape(f.action) + " " + strings.Join(names, ",")
}

// readPage returns the forms of a page and the addresses of this server to which
// it leads: what links and htmx's attributes name.
func readPage(address, body string) (forms []form, links []string) {
	root, err := html.Parse(strings.NewReader(body))
	if err != nil {
		return nil, nil
	}
	page, err := url.Parse(address)
	if err != nil {
		return nil, nil
	}
	resolve := func(to string) string {
		u, err := page.Parse(to)
		if err != nil || u.Host != "" || !strings.HasPrefix(u.Path, "/") {
			return ""
		}
		return u.RequestURI()
	}
	var walk func(n *html.Node, in *form)
	walk = func(n *html.Node, in *form) {
		if n.Type == html.ElementNode {
			for _, name := range []string{"href", "hx-get"} {
				if to := resolve(attribute(n, name)); to != "" && attribute(n, name) != "" && n.Data != "link" {
					links = append(links, to)
				}
			}
			if n.Data == "form" {
				forms = append(forms, form{page: address, action: resolve(attribute(n, "action")), method: strings.ToUpper(attribute(n, "method"))})
				in = &forms[len(forms)-1]
				if in.method == "" {
					in.method = "GET"
				}
				fields := &form{}
				for c := n.FirstChild; c != nil; c = c.NextSibling {
					walk(c, fields)
				}
				forms[len(forms)-1].fields = fields.fields
				return
			}
			if in != nil {
				in.add(n)
			}
		}
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			walk(c, in)
		}
	}
	walk(root, nil)
	return forms, links
}

// add takes a control of the form in.
func (f *form) add(n *html.Node) {
	name, kind := attribute(n, "name"), attribute(n, "type")
	if name == "" {
		return
	}
	switch n.Data {
	case "input":
		x := field{name: name, value: attribute(n, "value")}
		switch kind {
		case "", "text", "search", "email", "url", "number":
			// A secret is not to be seen again, and what nobody sees nobody typed.
			x.typed = name != "token" && !has(n, "hidden") && !has(n, "readonly")
		case "checkbox", "radio":
			if !has(n, "checked") {
				if _, known := f.field(name); known {
					return
				}
				x.value = ""
			}
		}
		f.fields = append(f.fields, x)
	case "button":
		f.fields = append(f.fields, field{name: name, value: attribute(n, "value")})
	case "textarea":
		f.fields = append(f.fields, field{name: name, value: strings.TrimPrefix(content(n), "\n"), typed: true})
	case "select":
		f.fields = append(f.fields, field{name: name, value: chosen(n)})
	}
}

// chosen is the value of a select's chosen option, or of its first.
func chosen(n *html.Node) (value string) {
	first := true
	for o := range n.Descendants() {
		if o.Type != html.ElementNode || o.Data != "option" {
			continue
		}
		of := content(o)
		if has(o, "value") {
			of = attribute(o, "value")
		}
		if first || has(o, "selected") {
			value, first = of, false
		}
	}
	return value
}

func has(n *html.Node, name string) bool {
	for _, a := range n.Attr {
		if a.Key == name {
			return true
		}
	}
	return false
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func content(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		if c.Type == html.TextNode {
			b.WriteString(c.Data)
		}
	}
	return b.String()
}
