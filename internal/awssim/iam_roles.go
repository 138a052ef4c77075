package awssim

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

type role struct {
	Name        string
	ID          string
	Path        string
	Description string
	Trust       string // assume role policy document
	Boundary    string // ARN of the permissions boundary
	MaxSession  int
	Attached    []string          // ARNs of managed policies
	Inline      map[string]string // policy documents by name
	CreatedAt   time.Time
	Tags        tags
}

const (
	maxRoles        = 1000
	maxRolePolicies = 10 // managed ones on a role
)

// iamDocument is how IAM shows a policy: percent-encoded.
func iamDocument(name, text string) wire.Node {
	return wire.Str(name, strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
}

func (c *call) role() (*role, error) {
	name := c.q.Str("RoleName")
	r, ok := found(c.Sim, c.st.roles, name, c.now)
	if !ok {
		return nil, noSuchEntity("The role with name %s cannot be found.", name)
	}
	return r, nil
}

func (c *call) roleTags() (tagged, error) {
	r, err := c.role()
	if err != nil {
		return tagged{}, err
	}
	t, _ := taggedRow(c.st.roles, "role", r.Name, func(r *role) *tags { return &r.Tags })
	return t, nil
}

func createRole(c *call) ([]wire.Node, error) {
	name, path, err := c.iamNamed("RoleName", 64)
	if err != nil {
		return nil, err
	}
	r := &role{Name: name, ID: "AROA" + strings.ToUpper(shortID(17)), Path: path, Description: c.q.Str("Description"), Trust: c.q.Str("AssumeRolePolicyDocument"),
		Boundary: c.q.Str("PermissionsBoundary"), MaxSession: c.q.Int("MaxSessionDuration", 3600), Inline: map[string]string{}, CreatedAt: c.now}
	if r.Tags, err = c.iamTags(); err != nil {
		return nil, err
	}
	if err := c.checkRole(r); err != nil {
		return nil, err
	}
	if c.st.roles.find(func(o *role) bool { return strings.EqualFold(o.Name, name) }) != nil {
		return nil, wire.Errorf(http.StatusConflict, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	if len(c.st.roles.rows) >= maxRoles {
		return nil, iamLimit("Cannot exceed quota for RolesPerAccount: %d", maxRoles)
	}
	return []wire.Node{wire.El("Role", c.roleXML(r)...)}, c.st.roles.put(r)
}

func (c *call) checkRole(r *role) error {
	if err := c.q.Err(); err != nil {
		return err
	}
	if r.MaxSession < 3600 || r.MaxSession > 43200 {
		return wire.BadRequest("ValidationError", "1 validation error detected: Value '%d' at 'maxSessionDuration' failed to satisfy constraint: Member must have value between 3600 and 43200", r.MaxSession)
	}
	return checkPolicy(r.Trust)
}

func (c *call) roleXML(r *role) []wire.Node {
	out := []wire.Node{wire.Str("Path", r.Path), wire.Str("RoleName", r.Name), wire.Str("RoleId", r.ID), wire.Str("Arn", c.iamARN("role", r.Path, r.Name)),
		wire.Time("CreateDate", r.CreatedAt), iamDocument("AssumeRolePolicyDocument", r.Trust), wire.Int("MaxSessionDuration", r.MaxSession)}
	out = append(out, wire.Optional(r.Description != "", wire.Str("Description", r.Description))...)
	out = append(out, wire.Optional(r.Boundary != "", wire.El("PermissionsBoundary",
		wire.Str("PermissionsBoundaryType", "Policy"), wire.Str("PermissionsBoundaryArn", r.Boundary)))...)
	return append(out, iamTagsXML(r.Tags)...)
}

func getRole(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("Role", append(c.roleXML(r), wire.Node{Name: "RoleLastUsed"})...)}, nil
}

func listRoles(c *call) ([]wire.Node, error) {
	prefix := c.q.Str("PathPrefix")
	rows := visible(c.Sim, c.st.roles, func(r *role) bool { return strings.HasPrefix(r.Path, prefix) }, c.now)
	page, more, err := iamPage(c, rows, func(r *role) string { return r.Name })
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("Roles", "member", page, c.roleXML)}, more...), nil
}

// updateRole sets what is given and takes away a description that is not, as
// AWS does.
func updateRole(c *call) ([]wire.Node, error) {
	old, err := c.role()
	if err != nil {
		return nil, err
	}
	r := *old
	r.MaxSession = c.q.Int("MaxSessionDuration", 3600)
	r.Description = c.q.Str("Description")
	if err := c.checkRole(&r); err != nil {
		return nil, err
	}
	return nil, c.st.roles.put(&r)
}

func updateRoleDescription(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	r.Description = c.q.Str("Description")
	return []wire.Node{wire.El("Role", c.roleXML(r)...)}, c.st.roles.put(r)
}

func updateAssumeRolePolicy(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	document := c.q.Str("PolicyDocument")
	if err := checkPolicy(document); err != nil {
		return nil, err
	}
	r.Trust = document
	return nil, c.st.roles.put(r)
}

// deleteRole refuses while the role is in a profile or has policies.
func deleteRole(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	switch {
	case c.st.profiles.find(func(p *instanceProfile) bool { return p.Role == r.Name }) != nil:
		return nil, deleteConflict("must remove roles from instance profile first.")
	case len(r.Attached) > 0:
		return nil, deleteConflict("must detach all policies first.")
	case len(r.Inline) > 0:
		return nil, deleteConflict("must delete policies first.")
	}
	c.st.roles.del(r.Name)
	return nil, nil
}

// managedPolicy reads the ARN of a policy of AWS's: an account here has none
// of its own.
func (c *call) managedPolicy() (string, error) {
	arn := c.q.Str("PolicyArn")
	switch {
	case !strings.HasPrefix(arn, "arn:") || len(arn) < 20:
		return "", wire.BadRequest("ValidationError", "Invalid ARN:  Could not be parsed!")
	case !strings.HasPrefix(arn, "arn:aws:iam::aws:policy/"):
		return "", noSuchEntity("Policy %s does not exist or is not attachable.", arn)
	}
	return arn, nil
}

func attachRolePolicy(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	arn, err := c.managedPolicy()
	if err != nil {
		return nil, err
	}
	if slices.Contains(r.Attached, arn) {
		return nil, nil
	}
	if len(r.Attached) >= maxRolePolicies {
		return nil, iamLimit("Cannot exceed quota for PoliciesPerRole: %d", maxRolePolicies)
	}
	r.Attached = append(r.Attached, arn)
	slices.Sort(r.Attached)
	return nil, c.st.roles.put(r)
}

func detachRolePolicy(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	arn := c.q.Str("PolicyArn")
	i := slices.Index(r.Attached, arn)
	if i < 0 {
		return nil, noSuchEntity("Policy %s was not found.", arn)
	}
	r.Attached = slices.Delete(r.Attached, i, i+1)
	return nil, c.st.roles.put(r)
}

func listAttachedRolePolicies(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	page, more, err := iamPage(c, r.Attached, func(arn string) string { return arn })
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("AttachedPolicies", "member", page, func(arn string) []wire.Node {
		return []wire.Node{wire.Str("PolicyName", arn[strings.LastIndex(arn, "/")+1:]), wire.Str("PolicyArn", arn)}
	})}, more...), nil
}
