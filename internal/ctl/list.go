package ctl

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
)

// pages reads every page of a list.
func (c *client) pages(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	if query == nil {
		query = url.Values{}
	}
	for {
		var page struct {
			list[json.RawMessage]
			NextCursor string `json:"next_cursor"`
		}
		where := path
		if len(query) > 0 {
			where += "?" + query.Encode()
		}
		if err := c.call(ctx, "GET", where, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Items...)
		if page.NextCursor == "" {
			return all, nil
		}
		query.Set("cursor", page.NextCursor)
	}
}

// page reads one page of a list.
func (c *client) page(ctx context.Context, path string, query url.Values) ([]json.RawMessage, error) {
	var page list[json.RawMessage]
	err := c.call(ctx, "GET", path+"?"+query.Encode(), nil, &page)
	return page.Items, err
}

// column is one of a table: its title and the field that it shows, dotted.
type column struct{ title, field string }

// showList prints every page of a list, as a table of those columns.
func (s *session) showList(ctx context.Context, path string, query url.Values, columns ...column) error {
	items, err := s.pages(ctx, path, query)
	if err != nil {
		return err
	}
	return s.show(list[json.RawMessage]{items}, func(out io.Writer) error { return printTable(out, items, columns) })
}

// showPage is showList for one page, whose size the query says.
func (s *session) showPage(ctx context.Context, path string, query url.Values, columns ...column) error {
	items, err := s.page(ctx, path, query)
	if err != nil {
		return err
	}
	return s.show(list[json.RawMessage]{items}, func(out io.Writer) error { return printTable(out, items, columns) })
}

func printTable(out io.Writer, items []json.RawMessage, columns []column) error {
	w := table(out)
	row := make([]string, len(columns))
	for i, c := range columns {
		row[i] = c.title
	}
	fmt.Fprintln(w, strings.Join(row, "\t"))
	for _, item := range items {
		var fields map[string]any
		if err := json.Unmarshal(item, &fields); err != nil {
			return fmt.Errorf("read the answer: %w", err)
		}
		for i, c := range columns {
			row[i] = cell(fields, c.field)
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	return w.Flush()
}

// cell is a field in words; "-" when there is nothing.
func cell(fields map[string]any, path string) string {
	name, inner, nested := strings.Cut(path, ".")
	switch v := fields[name].(type) {
	case nil:
		return "-"
	case map[string]any:
		if nested {
			return cell(v, inner)
		}
		text, _ := json.Marshal(v) // of what was just read
		return string(text)
	case []any:
		words := make([]string, len(v))
		for i, item := range v {
			words[i] = fmt.Sprint(item)
		}
		return strings.Join(words, " ")
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	case string:
		if at, err := time.Parse(time.RFC3339, v); err == nil {
			return at.Local().Format(time.DateTime)
		}
		if v == "" {
			return "-"
		}
		return oneLine(v)
	default:
		return fmt.Sprint(v)
	}
}

// done says what was done, unless JSON was asked for: then out is the answer.
func (s *session) done(answer any, format string, args ...any) error {
	return s.show(answer, func(out io.Writer) error {
		_, err := fmt.Fprintf(out, format+"\n", args...)
		return err
	})
}

// thing is something with a name and an id.
type thing struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// find gets the id of what was named by name or id among a list.
func (c *client) find(ctx context.Context, path, noun, ref string) (*thing, error) {
	items, err := c.pages(ctx, path, nil)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(items))
	var only *thing
	for _, item := range items {
		var t thing
		if err := json.Unmarshal(item, &t); err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		if t.ID == ref || t.Name == ref {
			return &t, nil
		}
		names, only = append(names, t.Name), &t
	}
	switch {
	case ref == "" && len(items) == 1:
		return only, nil
	case ref == "" && len(items) == 0:
		return nil, fmt.Errorf("there is no %s yet", noun)
	case ref == "":
		return nil, fmt.Errorf("name the %s: %s", noun, strings.Join(names, ", "))
	}
	return nil, fmt.Errorf("there is no %s %q, or it is not yours; there is: %s", noun, ref, strings.Join(names, ", "))
}

func (c *client) team(ctx context.Context, ref string) (*thing, error) {
	return c.find(ctx, "/teams", "team", ref)
}

func (c *client) environment(ctx context.Context, ref string) (*thing, error) {
	return c.find(ctx, "/environments", "environment", ref)
}
