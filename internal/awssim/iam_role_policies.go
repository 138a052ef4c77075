package awssim

import (
	"maps"
	"slices"

	"drawbridge/internal/awssim/wire"
)

func putRolePolicy(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	name, document := c.q.Str("PolicyName"), c.q.Str("PolicyDocument")
	if !iamName.MatchString(name) || len(name) > 128 {
		return nil, wire.BadRequest("ValidationError", "The specified value for policyName is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-")
	}
	if err := checkPolicy(document); err != nil {
		return nil, err
	}
	inline := maps.Clone(r.Inline)
	if inline == nil {
		inline = map[string]string{}
	}
	inline[name] = document
	r.Inline = inline
	return nil, c.st.roles.put(r)
}

// inlinePolicy finds the role and the policy on it that a request names.
func (c *call) inlinePolicy() (*role, string, error) {
	r, err := c.role()
	if err != nil {
		return nil, "", err
	}
	name := c.q.Str("PolicyName")
	if _, ok := r.Inline[name]; !ok {
		return nil, "", noSuchEntity("The role policy with name %s cannot be found.", name)
	}
	return r, name, nil
}

func getRolePolicy(c *call) ([]wire.Node, error) {
	r, name, err := c.inlinePolicy()
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.Str("RoleName", r.Name), wire.Str("PolicyName", name), iamDocument("PolicyDocument", r.Inline[name])}, nil
}

func deleteRolePolicy(c *call) ([]wire.Node, error) {
	r, name, err := c.inlinePolicy()
	if err != nil {
		return nil, err
	}
	delete(r.Inline, name)
	return nil, c.st.roles.put(r)
}

func listRolePolicies(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	page, more, err := iamPage(c, slices.Sorted(maps.Keys(r.Inline)), func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.Strings("PolicyNames", "member", page)}, more...), nil
}
