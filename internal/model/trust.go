package model

import (
	"net/url"
	"path"
	"strings"
	"time"
)

// Trust lets workloads of another system act for a team without a stored
// secret: whoever shows a token that the issuer signed for the audience, and
// whose claims fit, has the role.
type Trust struct {
	ID        string            `json:"id"`
	TeamID    string            `json:"team_id"`
	Name      string            `json:"name"`
	Issuer    string            `json:"issuer"`
	Audience  string            `json:"audience"`
	Claims    map[string]string `json:"claims"` // by name: the value, or a pattern with *
	Role      Role              `json:"role"`
	CreatedBy string            `json:"created_by"`
	CreatedAt time.Time         `json:"created_at"`
}

// maxTrustText bounds each text of a trust.
const maxTrustText = 256

// Validate checks a new trust. It must bind the subject or the repository:
// everybody's workloads at a public issuer share issuer and audience.
func (t *Trust) Validate() error {
	var v Invalid
	if strings.TrimSpace(t.Name) == "" || len(t.Name) > 64 || !plainText(t.Name) {
		v.Add("name", "Say what the trust is for, in 1 to 64 characters of one line.")
	}
	if isSystem(t.Name) {
		v.Add("name", systemsName)
	}
	if u, err := url.Parse(t.Issuer); err != nil || u.Host == "" || u.Scheme != "https" && !loopback(u) || u.RawQuery != "" || u.Fragment != "" {
		v.Add("issuer", "Give the issuer's address, as https://token.actions.githubusercontent.com.")
	}
	if t.Audience == "" || len(t.Audience) > maxTrustText {
		v.Add("audience", "Give the audience that the workload asks its token for.")
	}
	if !t.Role.Valid() || t.Role == RoleAdmin {
		v.Add("role", "Choose viewer, developer or owner.")
	}
	if !bound(t.Claims["sub"]) && !boundOwner(t.Claims["repository"]) {
		v.Add("claims", "Name the subject or the repository with its owner, as sub=repo:acme/shop:*; otherwise everybody at the issuer would be let in.")
	}
	for name, pattern := range t.Claims {
		if name == "" || pattern == "" || len(name)+len(pattern) > maxTrustText || strings.ContainsAny(pattern, `[]?\`) {
			v.Add("claims", "Write each claim as name=value; only * stands for anything.")
			break
		}
	}
	return v.Err()
}

// bound tells whether a subject's pattern begins with somebody's own: of GitHub's
// and GitLab's forms, repo:acme/… and project_path:acme/…, the owner's whole name.
func bound(pattern string) bool {
	form, rest, _ := strings.Cut(pattern, ":")
	if form == "repo" || form == "project_path" {
		return boundOwner(rest)
	}
	return pattern != "" && !strings.HasPrefix(pattern, "*")
}

// boundOwner tells whether a repository's pattern names its owner: acme* would
// fit acme-evil/shop, too.
func boundOwner(pattern string) bool {
	fixed, _, open := strings.Cut(pattern, "*")
	return pattern != "" && (!open || strings.Contains(fixed, "/"))
}

func loopback(u *url.URL) bool { return u.Scheme == "http" && u.Hostname() == "127.0.0.1" }

// Fits tells whether the claims are as the trust demands: each one there, a
// text, and equal to its value or fitting its pattern.
func (t *Trust) Fits(claims map[string]any) bool {
	for name, pattern := range t.Claims {
		value, ok := claims[name].(string)
		if !ok || !glob(pattern, value) {
			return false
		}
	}
	return len(t.Claims) > 0
}

// glob lets * stand for anything, slashes too.
func glob(pattern, value string) bool {
	const slash = "\x00"
	ok, err := path.Match(strings.ReplaceAll(pattern, "/", slash), strings.ReplaceAll(value, "/", slash))
	return err == nil && ok
}
