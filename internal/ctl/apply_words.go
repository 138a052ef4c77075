package ctl

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// plan is what the client reads of one.
type plan struct {
	Operation string     `json:"operation"`
	Blocked   bool       `json:"blocked"`
	Items     []planItem `json:"items"`
	Findings  []struct {
		Severity string `json:"severity"`
		Field    string `json:"field"`
		Message  string `json:"message"`
		Advice   string `json:"advice"`
	} `json:"findings"`
}

type planItem struct {
	Title   string   `json:"title"`
	Action  string   `json:"action"`
	Reasons []string `json:"reasons"`
	AWSID   string   `json:"aws_id"`
}

// signs are what stands before what is done to a resource; what is kept, only
// used or only checked has none.
var signs = map[string]string{"create": "+", "update": "~", "let_go": "~", "replace": "±", "delete": "-"}

func (p *plan) count(action string) int {
	n := 0
	for _, i := range p.Items {
		if i.Action == action {
			n++
		}
	}
	return n
}

// changes counts what changes in AWS.
func (p *plan) changes() int {
	n := 0
	for action := range signs {
		n += p.count(action)
	}
	return n
}

func (p *plan) summary() string {
	return fmt.Sprintf("%d to make, %d to change, %d to replace, %d to delete.", p.count("create"), p.count("update")+p.count("let_go"), p.count("replace"), p.count("delete"))
}

// printFindings prints what to know before the plan is carried out.
func printFindings(out io.Writer, indent string, p *plan) {
	for _, f := range p.Findings {
		fmt.Fprintf(out, "%s%s: %s\n", indent, f.Severity, strings.TrimSpace(oneLine(f.Message+" "+f.Advice)))
	}
}

func printItems(out io.Writer, items []planItem) {
	for _, i := range items {
		if signs[i.Action] == "" {
			continue
		}
		line := "    " + signs[i.Action] + " " + oneLine(i.Title)
		if i.AWSID != "" {
			line += " (" + i.AWSID + ")"
		}
		if len(i.Reasons) > 0 && i.Action != "create" {
			line += ": " + oneLine(strings.Join(i.Reasons, " "))
		}
		fmt.Fprintln(out, line)
	}
}

// printPlan tells what applying would do.
func printPlan(out io.Writer, w *wanted) error {
	if err := printDiff(out, w); err != nil {
		return err
	}
	if w.InSync {
		return nil
	}
	printFindings(out, "    ", &w.Plan)
	printItems(out, w.Plan.Items)
	_, err := fmt.Fprintln(out, "    "+w.Plan.summary())
	return err
}

// printDiff tells in what the file and the backend differ.
func printDiff(out io.Writer, w *wanted) error {
	head := "~ " + w.Backend.Name + ": would change"
	switch {
	case w.Created:
		head = "+ " + w.Backend.Name + ": would be registered and provisioned"
	case w.InSync:
		head = "= " + w.Backend.Name + ": nothing to do"
	case !w.Changed:
		head = "~ " + w.Backend.Name + ": would be brought in line"
	}
	fmt.Fprintln(out, head)
	if w.Created {
		return nil
	}
	before, err := leaves(w.now)
	if err != nil {
		return err
	}
	after, err := leaves(w.Backend.Spec)
	if err != nil {
		return err
	}
	all := maps.Clone(before)
	maps.Copy(all, after)
	for _, path := range slices.Sorted(maps.Keys(all)) {
		was, had := before[path]
		is, has := after[path]
		switch {
		case !had:
			fmt.Fprintf(out, "    + %s: %s\n", path, is)
		case !has:
			fmt.Fprintf(out, "    - %s: %s\n", path, was)
		case was != is:
			fmt.Fprintf(out, "    ~ %s: %s -> %s\n", path, was, is)
		}
	}
	return nil
}

// leaves are a spec's values by their paths, as JSON.
func leaves(spec json.RawMessage) (map[string]string, error) {
	var v any
	if err := json.Unmarshal(spec, &v); err != nil {
		return nil, fmt.Errorf("read a spec: %w", err)
	}
	out := map[string]string{}
	collect(out, "spec", v)
	return out, nil
}

func collect(out map[string]string, path string, v any) {
	switch v := v.(type) {
	case map[string]any:
		for name, inner := range v {
			collect(out, joinPath(path, name), inner)
		}
	case []any:
		for i, inner := range v {
			collect(out, fmt.Sprintf("%s[%d]", path, i), inner)
		}
	default:
		text, _ := json.Marshal(v) // of what was just read
		out[path] = string(text)
	}
}
