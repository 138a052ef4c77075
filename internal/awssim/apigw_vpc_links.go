package awssim

import (
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

type vpcLink struct {
	ID        string
	Name      string
	Subnets   []string
	Groups    []string
	CreatedAt time.Time
	DeletedAt time.Time
	UsedAt    time.Time `json:",omitzero"` // the last request, within an hour
	WokenAt   time.Time `json:",omitzero"` // from INACTIVE
	Failure   string    `json:",omitempty"`
	Tags      tags
}

func (c *restCall) linkView(l *vpcLink) any {
	status, message := l.statusAt(c.now, c.t)
	return map[string]any{"vpcLinkId": l.ID, "name": l.Name, "subnetIds": l.Subnets, "securityGroupIds": l.Groups,
		"vpcLinkStatus": status, "vpcLinkStatusMessage": message, "vpcLinkVersion": "V2", "createdDate": isoTime(l.CreatedAt), "tags": merged(l.Tags, nil)}
}

func (c *restCall) link() (*vpcLink, error) {
	l, ok := found(c.Sim, c.st.links, c.args["link"], c.now)
	if !ok {
		return nil, noSuch("VpcLink", c.args["link"])
	}
	return l, nil
}

// maxLinks per account and region.
const maxLinks = 10

// createVpcLink has no client token: sent twice it makes two, as on AWS.
func createVpcLink(c *restCall) (any, error) {
	var in struct {
		Name             string
		SubnetIDs        []string `json:"subnetIds"`
		SecurityGroupIDs []string `json:"securityGroupIds"`
		Tags             tags
	}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkGatewayName(in.Name); err != nil {
		return nil, err
	}
	if err := checkGatewayTags(in.Tags); err != nil {
		return nil, err
	}
	if err := withinQuota(len(c.st.links.rows), c.quota(maxLinks), "VPC links for this account and Region"); err != nil {
		return nil, err
	}
	subnets, groups, err := c.linkNetwork(in.SubnetIDs, in.SecurityGroupIDs)
	if err != nil {
		return nil, err
	}
	l := &vpcLink{ID: shortID(6), Name: in.Name, Subnets: in.SubnetIDs, Groups: groups, CreatedAt: c.now, Tags: in.Tags}
	for _, sn := range subnets {
		if _, err := c.addInterface(sn, linkInterface(l)); err != nil {
			return nil, err
		}
	}
	return c.linkView(l), c.st.links.put(l)
}

func (c *restCall) linkNetwork(subnetIDs, groupIDs []string) ([]*subnet, []string, error) {
	if len(subnetIDs) == 0 || len(subnetIDs) > 10 {
		return nil, nil, badRequest("A VPC link needs 1 to 10 subnets")
	}
	var out []*subnet
	for _, id := range subnetIDs {
		sn, ok := found(c.Sim, c.st.subnets, id, c.now)
		switch {
		case !ok:
			return nil, nil, badRequest("The subnet ID '%s' does not exist", id)
		case out != nil && sn.VPCID != out[0].VPCID:
			return nil, nil, badRequest("All subnets of a VPC link must belong to the same VPC")
		case c.freeAddresses(sn) < 1:
			return nil, nil, badRequest("The subnet '%s' has no free addresses", id)
		case !c.linksIn(c.zoneID(sn.Zone)):
			return nil, nil, badRequest("Subnet '%s' is in Availability Zone '%s' where service is not available", id, c.zoneID(sn.Zone))
		}
		out = append(out, sn)
	}
	q := &call{Sim: c.Sim, now: c.now}
	groups, err := q.groupsIn(out[0].VPCID, groupIDs)
	if err != nil {
		return nil, nil, badRequest("%s", wire.AsError(err).Message)
	}
	return out, groups, nil
}

func getVpcLinks(c *restCall) (any, error) {
	return items(c, visible(c.Sim, c.st.links, nil, c.now), func(l *vpcLink) string { return l.ID }, c.linkView)
}

func getVpcLink(c *restCall) (any, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	return c.linkView(l), nil
}

// updateVpcLink changes the name, which is all that can change.
func updateVpcLink(c *restCall) (any, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	in := struct{ Name string }{l.Name}
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if err := checkGatewayName(in.Name); err != nil {
		return nil, err
	}
	l.Name = in.Name
	return c.linkView(l), c.st.links.put(l)
}

// deleteVpcLink refuses while an integration uses the link; otherwise the link
// and its interfaces take their time to go.
func deleteVpcLink(c *restCall) (any, error) {
	l, err := c.link()
	if err != nil {
		return nil, err
	}
	if users := c.linkUsers(l.ID); len(users) > 0 {
		return nil, badRequest("Cannot delete vpc link. Vpc link '%s', is referenced in [%s] in format of [Method:Resource].", l.ID, strings.Join(users, ", "))
	}
	if !l.DeletedAt.IsZero() {
		return map[string]any{}, nil
	}
	l.DeletedAt = c.now
	if err := c.st.links.put(l); err != nil {
		return nil, err
	}
	return map[string]any{}, c.releaseInterfaces(l.ID, c.now.Add(c.t.linkStop))
}

// linkUsers names what uses a link, as [Method:Resource].
func (c *restCall) linkUsers(id string) []string {
	var out []string
	for _, n := range c.st.integrations.list(func(n *integration) bool { return n.ConnectionID == id }) {
		users := c.routesTo(n)
		if len(users) == 0 {
			out = append(out, n.Method+":"+n.ID)
		}
		for _, r := range users {
			method, _, _ := strings.Cut(r.Key, " ")
			out = append(out, method+":"+r.ID)
		}
	}
	return out
}
