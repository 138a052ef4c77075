package awssim

import (
	"slices"

	"drawbridge/internal/awssim/wire"
)

// association finds a table and the place of an association in it.
func (c *call) association(id string) (*routeTable, int, error) {
	for _, t := range c.st.routeTables.list(nil) {
		if i := slices.IndexFunc(t.Associations, func(a tableAssociation) bool { return a.ID == id }); i >= 0 {
			return t, i, nil
		}
	}
	return nil, 0, wire.BadRequest("InvalidAssociationID.NotFound", "The association ID '%s' does not exist", id)
}

func associated(id, name string) []wire.Node {
	return []wire.Node{wire.Str(name, id), wire.El("associationState", wire.Str("state", "associated"))}
}

// associateRouteTable gives a subnet its table; a subnet has one at most.
func associateRouteTable(c *call) ([]wire.Node, error) {
	t, err := c.routeTable(c.q.Str("RouteTableId"))
	if err != nil {
		return nil, err
	}
	sn, err := c.subnet(c.q.Str("SubnetId"))
	if err != nil {
		return nil, err
	}
	if sn.VPCID != t.VPCID {
		return nil, wire.BadRequest("InvalidParameterValue", "Route table %s and subnet %s belong to different networks", t.ID, sn.ID)
	}
	for _, o := range c.st.routeTables.list(nil) {
		i := slices.IndexFunc(o.Associations, func(a tableAssociation) bool { return a.SubnetID == sn.ID })
		switch {
		case i < 0:
		case o.ID == t.ID:
			return associated(o.Associations[i].ID, "associationId"), nil
		default:
			return nil, wire.BadRequest("Resource.AlreadyAssociated", "the specified association for route table %s conflicts with an existing association", t.ID)
		}
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	a := tableAssociation{ID: ec2ID("rtbassoc"), SubnetID: sn.ID}
	t.Associations = append(t.Associations, a)
	return associated(a.ID, "associationId"), c.st.routeTables.put(t)
}

func disassociateRouteTable(c *call) ([]wire.Node, error) {
	t, i, err := c.association(c.q.Str("AssociationId"))
	if err != nil {
		return nil, err
	}
	if t.Associations[i].Main {
		return nil, wire.BadRequest("InvalidParameterValue", "cannot disassociate the main route table association %s", t.Associations[i].ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	t.Associations = slices.Delete(t.Associations, i, i+1)
	return returned(), c.st.routeTables.put(t)
}

// replaceRouteTableAssociation moves a subnet, or the place of the main table,
// to another table under a new association.
func replaceRouteTableAssociation(c *call) ([]wire.Node, error) {
	from, i, err := c.association(c.q.Str("AssociationId"))
	if err != nil {
		return nil, err
	}
	to, err := c.routeTable(c.q.Str("RouteTableId"))
	if err != nil {
		return nil, err
	}
	if from.VPCID != to.VPCID {
		return nil, wire.BadRequest("InvalidParameterValue", "Route tables %s and %s belong to different networks", from.ID, to.ID)
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	a := from.Associations[i]
	a.ID = ec2ID("rtbassoc")
	from.Associations = slices.Delete(from.Associations, i, i+1)
	if err := c.st.routeTables.put(from); err != nil {
		return nil, err
	}
	to.Associations = append(to.Associations, a)
	return associated(a.ID, "newAssociationId"), c.st.routeTables.put(to)
}
