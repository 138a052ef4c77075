package awssim

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"

	"drawbridge/internal/awssim/wire"
)

// iamOps are what an instance needs to have a role: roles, the policies on them
// and instance profiles. What a policy allows is not looked at.
func iamOps() map[string]queryOp {
	return map[string]queryOp{
		"CreateRole":                    createRole,
		"GetRole":                       getRole,
		"ListRoles":                     listRoles,
		"UpdateRole":                    updateRole,
		"UpdateRoleDescription":         updateRoleDescription,
		"UpdateAssumeRolePolicy":        updateAssumeRolePolicy,
		"DeleteRole":                    deleteRole,
		"TagRole":                       func(c *call) ([]wire.Node, error) { return c.tagIAM(c.roleTags) },
		"UntagRole":                     func(c *call) ([]wire.Node, error) { return c.untagIAM(c.roleTags) },
		"ListRoleTags":                  func(c *call) ([]wire.Node, error) { return c.listIAMTags(c.roleTags) },
		"PutRolePolicy":                 putRolePolicy,
		"GetRolePolicy":                 getRolePolicy,
		"DeleteRolePolicy":              deleteRolePolicy,
		"ListRolePolicies":              listRolePolicies,
		"AttachRolePolicy":              attachRolePolicy,
		"DetachRolePolicy":              detachRolePolicy,
		"ListAttachedRolePolicies":      listAttachedRolePolicies,
		"CreateInstanceProfile":         createInstanceProfile,
		"GetInstanceProfile":            getInstanceProfile,
		"ListInstanceProfiles":          listInstanceProfiles,
		"ListInstanceProfilesForRole":   listInstanceProfilesForRole,
		"AddRoleToInstanceProfile":      addRoleToInstanceProfile,
		"RemoveRoleFromInstanceProfile": removeRoleFromInstanceProfile,
		"DeleteInstanceProfile":         deleteInstanceProfile,
		"TagInstanceProfile":            func(c *call) ([]wire.Node, error) { return c.tagIAM(c.profileTags) },
		"UntagInstanceProfile":          func(c *call) ([]wire.Node, error) { return c.untagIAM(c.profileTags) },
		"ListInstanceProfileTags":       func(c *call) ([]wire.Node, error) { return c.listIAMTags(c.profileTags) },
	}
}

var (
	iamName = regexp.MustCompile(`^[\w+=,.@-]+$`)
	iamPath = regexp.MustCompile(`^/([\x21-\x7e]+/)?$`)
)

func noSuchEntity(format string, args ...any) error {
	return wire.Errorf(http.StatusNotFound, "NoSuchEntity", format, args...)
}

func deleteConflict(text string) error {
	return wire.Errorf(http.StatusConflict, "DeleteConflict", "Cannot delete entity, %s", text)
}

func iamLimit(format string, args ...any) error {
	return wire.Errorf(http.StatusConflict, "LimitExceeded", format, args...)
}

// iamNamed reads a new entity's name and path.
func (c *call) iamNamed(param string, longest int) (name, path string, err error) {
	name, path = c.q.Str(param), c.q.Str("Path")
	if path == "" {
		path = "/"
	}
	switch {
	case !iamName.MatchString(name):
		err = wire.BadRequest("ValidationError", "The specified value for %s is invalid. It must contain only alphanumeric characters and/or the following: +=,.@_-", param)
	case len(name) > longest:
		err = wire.BadRequest("ValidationError", "1 validation error detected: Value at '%s' failed to satisfy constraint: Member must have length less than or equal to %d", param, longest)
	case !iamPath.MatchString(path) || len(path) > 512:
		err = wire.BadRequest("ValidationError", "The specified value for path is invalid. It must begin and end with / and contain only alphanumeric characters and/or / characters.")
	}
	return name, path, err
}

func (s *Sim) iamARN(kind, path, name string) string {
	return "arn:aws:iam::" + s.account + ":" + kind + path + name
}

func checkPolicy(text string) error {
	if !json.Valid([]byte(text)) {
		return wire.BadRequest("MalformedPolicyDocument", "This policy contains invalid Json")
	}
	return nil
}

// iamTags reads Tags.member.N.
func (c *call) iamTags() (tags, error) {
	out := tags{}
	for _, t := range c.q.Structs("Tags") {
		out[t.Str("Key")] = t.Str("Value")
	}
	return out, checkIAMTags(out)
}

func checkIAMTags(t tags) error {
	if len(t) > maxTags {
		return iamLimit("The number of tags has reached the maximum limit.")
	}
	if err := checkTags(t); err != nil {
		return wire.BadRequest("ValidationError", "%s", wire.AsError(err).Message)
	}
	return nil
}

// iamPage cuts a page by Marker and MaxItems.
func iamPage[T any](c *call, rows []T, key func(T) string) ([]T, []wire.Node, error) {
	size := c.q.Int("MaxItems", 100)
	if err := c.q.Err(); err != nil {
		return nil, nil, err
	}
	if size < 1 || size > 1000 {
		return nil, nil, wire.BadRequest("ValidationError", "1 validation error detected: Value '%d' at 'maxItems' failed to satisfy constraint: Member must have value between 1 and 1000", size)
	}
	page, next, err := wire.Page(rows, key, c.q.Str("Marker"), size)
	if err != nil {
		return nil, nil, wire.BadRequest("ValidationError", "Invalid Marker.")
	}
	return page, append([]wire.Node{wire.Bool("IsTruncated", next != "")}, wire.Optional(next != "", wire.Str("Marker", next))...), nil
}

// tagIAM, untagIAM and listIAMTags serve every entity that of finds.
func (c *call) tagIAM(of func() (tagged, error)) ([]wire.Node, error) {
	t, err := of()
	if err != nil {
		return nil, err
	}
	add, err := c.iamTags()
	if err != nil {
		return nil, err
	}
	after := merged(t.tags, add)
	if err := checkIAMTags(after); err != nil {
		return nil, err
	}
	return nil, t.save(after)
}

func (c *call) untagIAM(of func() (tagged, error)) ([]wire.Node, error) {
	t, err := of()
	if err != nil {
		return nil, err
	}
	left, keys := merged(t.tags, nil), c.q.List("TagKeys")
	maps.DeleteFunc(left, func(k, _ string) bool { return slices.Contains(keys, k) })
	return nil, t.save(left)
}

func (c *call) listIAMTags(of func() (tagged, error)) ([]wire.Node, error) {
	t, err := of()
	if err != nil {
		return nil, err
	}
	page, more, err := iamPage(c, slices.Sorted(maps.Keys(t.tags)), func(k string) string { return k })
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("Tags", "member", page, func(k string) []wire.Node {
		return []wire.Node{wire.Str("Key", k), wire.Str("Value", t.tags[k])}
	})}, more...), nil
}

func iamTagsXML(t tags) []wire.Node {
	return wire.Optional(len(t) > 0, wire.Tags("Tags", "member", "Key", "Value", t))
}
