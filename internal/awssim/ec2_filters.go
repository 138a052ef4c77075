package awssim

import (
	_ "embed"
	"strings"
	"sync"

	"drawbridge/internal/awssim/wire"
)

//go:embed ec2_filters.txt
var filtersText string

// filters are the names that each describe operation takes, with the element
// of its answer that each is compared with.
var filters = sync.OnceValue(func() map[string]map[string]string {
	out := map[string]map[string]string{}
	operation := ""
	for line := range strings.Lines(filtersText) {
		switch words := strings.Fields(line); {
		case len(words) == 0 || words[0] == "#":
		case !strings.HasPrefix(line, " "):
			operation = words[0]
			out[operation] = map[string]string{}
		default:
			out[operation][words[0]] = strings.Join(words[1:], "")
		}
	}
	return out
})

// shown is what a resource's answer says of a filter, and whether the operation
// takes a filter of this name.
func shown(operation, name string, xml func() []wire.Node) ([]string, bool) {
	path, ok := filters()[operation][name]
	if path == "" {
		return nil, ok
	}
	return wire.At(xml(), path), true
}
