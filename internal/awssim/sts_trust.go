package awssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"drawbridge/internal/awssim/wire"
)

// oneOrMore is a string of a policy, or a list of them.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(raw []byte) error {
	var text string
	if json.Unmarshal(raw, &text) == nil {
		*o = oneOrMore{text}
		return nil
	}
	return json.Unmarshal(raw, (*[]string)(o))
}

// trustPolicy says who may assume a role: as much of the language of policies
// as trust policies are written with.
type trustPolicy struct {
	Statement statements
}

type statements []trustStatement

func (s *statements) UnmarshalJSON(raw []byte) error {
	var alone trustStatement
	if strings.HasPrefix(strings.TrimSpace(string(raw)), "{") {
		err := json.Unmarshal(raw, &alone)
		*s = statements{alone}
		return err
	}
	return json.Unmarshal(raw, (*[]trustStatement)(s))
}

type trustStatement struct {
	Effect    string
	Action    oneOrMore
	Principal principals
	Condition map[string]map[string]oneOrMore // by operator, by key
}

// principals are those of a statement by their kind; "*" is everybody.
type principals map[string]oneOrMore

func (p *principals) UnmarshalJSON(raw []byte) error {
	if string(raw) == `"*"` {
		*p = principals{"AWS": {"*"}}
		return nil
	}
	return json.Unmarshal(raw, (*map[string]oneOrMore)(p))
}

// assumption is who wants to assume a role, in the words of policies.
type assumption struct {
	who  caller
	keys map[string]string // condition keys; one without a value is not there
}

func (c *call) assumption() assumption {
	keys := map[string]string{"sts:RoleSessionName": c.q.Str("RoleSessionName"), "aws:PrincipalAccount": c.who.account, "aws:PrincipalArn": c.who.principal()}
	if id := c.q.Str("ExternalId"); id != "" {
		keys["sts:ExternalId"] = id
	}
	return assumption{c.who, keys}
}

// allows says whether a trust policy lets someone in. A policy that cannot be
// read, or an operator that is not known here, lets nobody in.
func allows(document string, a assumption) bool {
	var p trustPolicy
	if json.Unmarshal([]byte(document), &p) != nil {
		return false
	}
	allowed := false
	for _, s := range p.Statement {
		if !s.covers(a) {
			continue
		}
		if s.Effect == "Deny" {
			return false
		}
		allowed = allowed || s.Effect == "Allow"
	}
	return allowed
}

func (s trustStatement) covers(a assumption) bool {
	acts := slices.ContainsFunc(s.Action, func(p string) bool { return wildcard(strings.ToLower(p), "sts:assumerole") })
	if !acts || !slices.ContainsFunc(s.Principal["AWS"], a.who.named) {
		return false
	}
	for operator, wanted := range s.Condition {
		for key, values := range wanted {
			if !a.meets(operator, key, values) {
				return false
			}
		}
	}
	return true
}

// named says whether a principal of a policy is the caller: the account, as its
// number or its root, the user or role, or the session.
func (w caller) named(principal string) bool {
	own := []string{"*", w.account, "arn:aws:iam::" + w.account + ":root", w.principal(), w.arn()}
	if slices.Contains(own, principal) {
		return true
	}
	// A session does not keep its role's path.
	return w.session != nil && strings.HasPrefix(principal, "arn:aws:iam::"+w.account+":role/") && strings.HasSuffix(principal, "/"+w.session.Role)
}

// meets evaluates one condition. A key that is not there fails what is
// positive and passes what is negative, as in IAM.
func (a assumption) meets(operator, key string, values []string) bool {
	have, there := "", false
	for k, v := range a.keys {
		if strings.EqualFold(k, key) {
			have, there = v, true
		}
	}
	operator, optional := strings.CutSuffix(operator, "IfExists")
	if optional && !there {
		return true
	}
	is := map[string]func(want string) bool{
		"StringEquals":           func(want string) bool { return want == have },
		"StringEqualsIgnoreCase": func(want string) bool { return strings.EqualFold(want, have) },
		"StringLike":             func(want string) bool { return wildcard(want, have) },
		"ArnEquals":              func(want string) bool { return wildcard(want, have) },
		"ArnLike":                func(want string) bool { return wildcard(want, have) },
	}
	if test := is[operator]; test != nil {
		return there && slices.ContainsFunc(values, test)
	}
	positive := strings.Replace(operator, "Not", "", 1)
	if test := is[positive]; test != nil && positive != operator {
		return !there || !slices.ContainsFunc(values, test)
	}
	if operator == "Null" && len(values) == 1 {
		return values[0] == boolText(!there)
	}
	return false
}

// roleNamed finds a role by its ARN in whatever account, nil when there is none.
// It takes that account's lock: call it under no other.
func (sh *shared) roleNamed(arn string) *role {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 {
		return nil
	}
	sh.placesMu.RLock()
	p := sh.places[place{parts[4], sh.home.region}]
	sh.placesMu.RUnlock()
	if p == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := found(p, p.st.roles, arn[strings.LastIndex(arn, "/")+1:], p.now())
	if !ok || p.iamARN("role", r.Path, r.Name) != arn {
		return nil
	}
	return ptrTo(*r)
}

// arn is how AWS calls the caller.
func (w caller) arn() string {
	if w.session != nil {
		return w.session.arn()
	}
	return w.principal()
}

// principal is the user or the role behind the caller.
func (w caller) principal() string {
	if w.session != nil {
		return "arn:aws:iam::" + w.account + ":role/" + w.session.Role
	}
	return "arn:aws:iam::" + w.account + ":user/local"
}

func notAuthorized(w caller, action, resource string) error {
	return wire.Errorf(http.StatusForbidden, "AccessDenied", "User: %s is not authorized to perform: %s on resource: %s", w.arn(), action, resource)
}
