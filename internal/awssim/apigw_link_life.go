package awssim

import (
	"fmt"
	"time"

	"drawbridge/internal/awssim/wire"
)

// States of a VPC link.
const (
	linkPending   = "PENDING"
	linkAvailable = "AVAILABLE"
	linkInactive  = "INACTIVE"
	linkDeleting  = "DELETING"
	linkFailed    = "FAILED"
)

const (
	linkIdle     = 60 * 24 * time.Hour // without traffic: INACTIVE
	linkUseNoted = time.Hour           // how exactly the last use is kept
)

func (l *vpcLink) goneAt(now time.Time, t timing) bool {
	return !l.DeletedAt.IsZero() && !now.Before(l.DeletedAt.Add(t.linkStop))
}

// readyAt is when the link has its interfaces: after it was made or woken.
func (l *vpcLink) readyAt(t timing) time.Time {
	return laterOf(l.CreatedAt, l.WokenAt).Add(t.linkStart)
}

// usedAt is when the link was last used; being made counts.
func (l *vpcLink) usedAt(t timing) time.Time { return laterOf(l.UsedAt, l.readyAt(t)) }

func laterOf(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (l *vpcLink) statusAt(now time.Time, t timing) (status, message string) {
	switch {
	case !l.DeletedAt.IsZero():
		return linkDeleting, "VPC link is deleting"
	case l.Failure != "":
		return linkFailed, l.Failure
	case now.Before(l.readyAt(t)):
		return linkPending, "VPC link is provisioning ENIs"
	case !now.Before(l.usedAt(t).Add(linkIdle)):
		return linkInactive, "VPC link is inactive: no traffic went through it for 60 days"
	}
	return linkAvailable, "VPC link is ready to route traffic"
}

// sleepLinks takes the interfaces of links that have become INACTIVE.
func (s *Sim) sleepLinks(now time.Time) {
	for _, l := range s.st.links.rows {
		if status, _ := l.statusAt(now, s.t); status == linkInactive {
			for _, e := range s.st.index().interfaces[l.ID] {
				s.st.interfaces.del(e.ID)
			}
		}
	}
}

// wakeLink provisions an INACTIVE link anew: the request that woke it fails,
// later ones find it AVAILABLE. What cannot be kept is tried again by the next
// request.
func (s *Sim) wakeLink(id string) {
	err := s.commit(func(now time.Time) error {
		l, ok := s.st.links.get(id)
		if !ok {
			return nil
		}
		if status, _ := l.statusAt(now, s.t); status != linkInactive {
			return nil
		}
		for _, subnetID := range l.Subnets {
			if sn, ok := s.st.subnets.get(subnetID); ok {
				if _, err := s.addInterface(sn, linkInterface(l)); err != nil {
					return err
				}
			}
		}
		l.WokenAt = now
		return s.st.links.put(l)
	})
	if err != nil {
		s.log.Warn("VPC link not woken", "link", id, "error", err)
	}
}

func linkInterface(l *vpcLink) interfaceSpec {
	return interfaceSpec{owner: l.ID, description: "VPC Link Interface for VPC link " + l.ID,
		kind: "api_gateway_managed", requester: "amazon-apigateway", attachedOwner: "amazon-aws", groups: l.Groups,
		tags: tags{"Owner": "APIGateway", "VpcLinkId": l.ID}}
}

// noteLinkUse keeps that a link is in use.
func (s *Sim) noteLinkUse(id string) {
	err := s.commit(func(now time.Time) error {
		l, ok := s.st.links.get(id)
		if !ok || now.Sub(l.usedAt(s.t)) <= linkUseNoted {
			return nil
		}
		l.UsedAt = now
		return s.st.links.put(l)
	})
	if err != nil {
		s.log.Warn("use of a VPC link not kept", "link", id, "error", err)
	}
}

// IdleVPCLink has it that no traffic went through the link for 60 days, so that
// it is INACTIVE.
func (s *Sim) IdleVPCLink(id string) error {
	return s.commit(func(now time.Time) error {
		l, ok := s.st.links.get(id)
		if !ok {
			return fmt.Errorf("idle VPC link: %w", wire.BadRequest("NotFoundException", "there is no VPC link %s", id))
		}
		l.CreatedAt, l.WokenAt, l.UsedAt = now.Add(-linkIdle-s.t.linkStart), time.Time{}, time.Time{}
		if err := s.st.links.put(l); err != nil {
			return err
		}
		s.sleepLinks(now)
		return nil
	})
}

// FailVPCLink puts a link into the state FAILED with a message, as AWS does
// when it cannot make the link's network interfaces; "" mends it.
func (s *Sim) FailVPCLink(id, message string) error {
	return s.commit(func(time.Time) error {
		l, ok := s.st.links.get(id)
		if !ok {
			return fmt.Errorf("fail VPC link: %w", wire.BadRequest("NotFoundException", "there is no VPC link %s", id))
		}
		l.Failure = message
		return s.st.links.put(l)
	})
}
