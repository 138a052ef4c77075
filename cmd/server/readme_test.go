package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

var flagRE = regexp.MustCompile("`--([a-z0-9-]+)`")

// TestReadmeListsTheFlags: the table of the configuration has each flag of
// serve, once, and no other.
func TestReadmeListsTheFlags(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	for line := range strings.Lines(string(text)) {
		column, isRow := strings.CutPrefix(line, "| ")
		if !isRow {
			continue
		}
		column, _, _ = strings.Cut(column, " |")
		for _, m := range flagRE.FindAllStringSubmatch(column, -1) {
			listed = append(listed, m[1])
		}
	}
	var flags []string
	parser := kong.Must(&cli{}, kong.Name("drawbridge"))
	for _, f := range parser.Model.Flags {
		flags = append(flags, f.Name)
	}
	for _, n := range parser.Model.Children {
		if n.Name == "serve" {
			for _, f := range n.Flags {
				flags = append(flags, f.Name)
			}
		}
	}
	flags = slices.DeleteFunc(flags, func(name string) bool { return name == "help" || name == "config" })
	slices.Sort(flags)
	slices.Sort(listed)
	if !slices.Equal(flags, listed) {
		t.Errorf("serve takes\n%s\nREADME.md lists\n%s", strings.Join(flags, " "), strings.Join(listed, " "))
	}
}
