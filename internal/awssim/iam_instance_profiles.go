package awssim

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// instanceProfile carries one role to instances.
type instanceProfile struct {
	Name      string
	ID        string
	Path      string
	Role      string // "" = none yet
	CreatedAt time.Time
	Tags      tags
}

const maxInstanceProfiles = 1000

func (c *call) instanceProfile() (*instanceProfile, error) {
	name := c.q.Str("InstanceProfileName")
	p, ok := found(c.Sim, c.st.profiles, name, c.now)
	if !ok {
		return nil, noSuchEntity("Instance Profile %s cannot be found.", name)
	}
	return p, nil
}

func (c *call) profileTags() (tagged, error) {
	p, err := c.instanceProfile()
	if err != nil {
		return tagged{}, err
	}
	t, _ := taggedRow(c.st.profiles, "instance-profile", p.Name, func(p *instanceProfile) *tags { return &p.Tags })
	return t, nil
}

func createInstanceProfile(c *call) ([]wire.Node, error) {
	name, path, err := c.iamNamed("InstanceProfileName", 128)
	if err != nil {
		return nil, err
	}
	p := &instanceProfile{Name: name, ID: "AIPA" + strings.ToUpper(shortID(17)), Path: path, CreatedAt: c.now}
	if p.Tags, err = c.iamTags(); err != nil {
		return nil, err
	}
	if c.st.profiles.find(func(o *instanceProfile) bool { return strings.EqualFold(o.Name, name) }) != nil {
		return nil, wire.Errorf(http.StatusConflict, "EntityAlreadyExists", "Instance Profile %s already exists.", name)
	}
	if len(c.st.profiles.rows) >= maxInstanceProfiles {
		return nil, iamLimit("Cannot exceed quota for InstanceProfilesPerAccount: %d", maxInstanceProfiles)
	}
	return []wire.Node{wire.El("InstanceProfile", c.profileXML(p)...)}, c.st.profiles.put(p)
}

func (c *call) profileXML(p *instanceProfile) []wire.Node {
	roles := wire.Node{Name: "Roles"}
	if r, ok := c.st.roles.get(p.Role); ok {
		roles.Kids = []wire.Node{wire.El("member", c.roleXML(r)...)}
	}
	return append([]wire.Node{wire.Str("Path", p.Path), wire.Str("InstanceProfileName", p.Name), wire.Str("InstanceProfileId", p.ID),
		wire.Str("Arn", c.iamARN("instance-profile", p.Path, p.Name)), wire.Time("CreateDate", p.CreatedAt), roles}, iamTagsXML(p.Tags)...)
}

func getInstanceProfile(c *call) ([]wire.Node, error) {
	p, err := c.instanceProfile()
	if err != nil {
		return nil, err
	}
	return []wire.Node{wire.El("InstanceProfile", c.profileXML(p)...)}, nil
}

func listInstanceProfiles(c *call) ([]wire.Node, error) {
	prefix := c.q.Str("PathPrefix")
	return c.profilePage(func(p *instanceProfile) bool { return strings.HasPrefix(p.Path, prefix) })
}

func listInstanceProfilesForRole(c *call) ([]wire.Node, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	return c.profilePage(func(p *instanceProfile) bool { return p.Role == r.Name })
}

func (c *call) profilePage(keep func(*instanceProfile) bool) ([]wire.Node, error) {
	page, more, err := iamPage(c, visible(c.Sim, c.st.profiles, keep, c.now), func(p *instanceProfile) string { return p.Name })
	if err != nil {
		return nil, err
	}
	return append([]wire.Node{wire.List("InstanceProfiles", "member", page, c.profileXML)}, more...), nil
}

func addRoleToInstanceProfile(c *call) ([]wire.Node, error) {
	p, err := c.instanceProfile()
	if err != nil {
		return nil, err
	}
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, iamLimit("Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1")
	}
	p.Role = r.Name
	return nil, c.st.profiles.put(p)
}

func removeRoleFromInstanceProfile(c *call) ([]wire.Node, error) {
	p, err := c.instanceProfile()
	if err != nil {
		return nil, err
	}
	name := c.q.Str("RoleName")
	if p.Role == "" || p.Role != name {
		return nil, noSuchEntity("The role with name %s cannot be found.", name)
	}
	p.Role = ""
	return nil, c.st.profiles.put(p)
}

func deleteInstanceProfile(c *call) ([]wire.Node, error) {
	p, err := c.instanceProfile()
	if err != nil {
		return nil, err
	}
	if p.Role != "" {
		return nil, deleteConflict("must remove roles from instance profile first.")
	}
	c.st.profiles.del(p.Name)
	return nil, nil
}

// launchProfile reads the profile of a launch. EC2 hears of a new one only
// after a while.
func (c *call) launchProfile() (string, error) {
	arn, name := c.q.Str("IamInstanceProfile.Arn"), c.q.Str("IamInstanceProfile.Name")
	if arn == "" && name == "" {
		return "", nil
	}
	profiles, err := c.iamProfiles()
	if err != nil {
		return "", err
	}
	for _, p := range profiles {
		own := c.iamARN("instance-profile", p.Path, p.Name)
		if own != arn && p.Name != name {
			continue
		}
		if c.now.Before(p.CreatedAt.Add(c.t.profileVisible)) {
			break
		}
		return own, nil
	}
	if arn != "" {
		return "", wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.arn is invalid. Invalid IAM Instance Profile ARN", arn)
	}
	return "", wire.BadRequest("InvalidParameterValue", "Value (%s) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name", name)
}

// profileID is the id of the profile that an instance was launched with, "" when
// it has been deleted meanwhile.
func (s *Sim) profileID(arn string) string {
	profiles, err := s.iamProfiles()
	i := slices.IndexFunc(profiles, func(p instanceProfile) bool { return p.Name == arn[strings.LastIndex(arn, "/")+1:] })
	if err != nil || i < 0 {
		return ""
	}
	return profiles[i].ID
}
