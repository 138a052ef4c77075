package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// tagOf is an entity tag: it differs where what can be changed of a thing does.
func tagOf(changeable ...any) string {
	text, _ := json.Marshal(changeable) // of plain values
	sum := sha256.Sum256(text)
	return `"` + hex.EncodeToString(sum[:10]) + `"`
}

// Tag is the limits' entity tag.
func (l QuotaLimits) Tag() string { return tagOf(l) }

// MemberTag is the entity tag of what somebody is in a team.
func MemberTag(role Role, byGroup bool) string { return tagOf(role, byGroup) }

// Tag is the template's entity tag.
func (t *SandboxTemplate) Tag() string {
	return tagOf(t.Name, t.Description, t.EnvironmentID, t.Spec, t.Parameters, t.TTL)
}

// Tag is the webhook's entity tag. What befalls it by itself does not count.
func (w *Webhook) Tag() string {
	return tagOf(w.Name, w.Format, w.Target, w.Events, w.Enabled, w.Sealed)
}

type matchContext struct{}

// WithIfMatch returns a context in which a change is refused unless the thing
// has one of the tags then; "" and "*" refuse nothing.
func WithIfMatch(ctx context.Context, tags string) context.Context {
	return context.WithValue(ctx, matchContext{}, tags)
}

// IfMatch refuses to go on when the caller believes the thing to be another
// than it is. It is asked in the transaction that changes it.
func IfMatch(ctx context.Context, noun, tag string) error {
	tags, _ := ctx.Value(matchContext{}).(string)
	if tags == "" || tags == "*" {
		return nil
	}
	for t := range strings.SplitSeq(tags, ",") {
		if strings.TrimSpace(t) == tag {
			return nil
		}
	}
	return Errorf(CodePrecondition, "The %s is not as If-Match says: somebody changed it meanwhile. Read it again, and apply your change to that.", noun)
}
