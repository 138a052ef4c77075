package model

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

var pullRE = regexp.MustCompile(`^(?:refs/)?pull/(\d{1,9})/(?:merge|head)$`)

// sandboxPrefix stands before what cannot be a name by itself.
const sandboxPrefix = "sb-"

// SandboxName makes a backend's name of a branch, a pull request's ref or any
// other text; ValidateBackendName never refuses it. What has no letter or digit
// of AWS's in it gets a name by its hash, the same each time.
func SandboxName(from string) string {
	ref := strings.TrimPrefix(strings.TrimPrefix(from, "refs/heads/"), "refs/tags/")
	if m := pullRE.FindStringSubmatch(from); m != nil {
		ref = "pr-" + m[1]
	}
	name := slug(ref)
	switch {
	case name == "":
		sum := sha256.Sum256([]byte(from))
		name = sandboxPrefix + hex.EncodeToString(sum[:4])
	case name == "internal" || strings.HasPrefix(name, "internal-"):
		name = sandboxPrefix + name
	}
	return cutName(name, MaxBackendName)
}

// NumberedSandboxName is the name with a suffix, no longer than a name may be.
func NumberedSandboxName(name, suffix string) string {
	return cutName(name, MaxBackendName-len(suffix)-1) + "-" + suffix
}

// SandboxNames are the names to try in turn for a sandbox that would be called
// so: the name, then numbered ones.
func SandboxNames(name string, n int) []string {
	names := make([]string, 0, n)
	names = append(names, name)
	for i := 2; i <= n; i++ {
		numbered := NumberedSandboxName(name, strconv.Itoa(i))
		if numbered != name { // as that of the 20 characters "abcdefghijklmnopqr-2"
			names = append(names, numbered)
		}
	}
	return names
}

// slug keeps AWS's letters and digits, and a hyphen for each run of others.
func slug(text string) string {
	var b strings.Builder
	gap := false
	for _, r := range strings.ToLower(text) {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			if gap && b.Len() > 0 {
				b.WriteByte('-')
			}
			b.WriteRune(r)
			gap = false
			continue
		}
		gap = true
	}
	return b.String()
}

func cutName(name string, n int) string {
	return strings.TrimRight(name[:min(len(name), n)], "-")
}
