package model

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// AuditAction names a change or a sign-in. The list is closed: the store
// refuses a row with another one.
type AuditAction string

const (
	AuditSignIn  AuditAction = "session.sign_in" // also those that were refused
	AuditSignOut AuditAction = "session.sign_out"

	AuditSessionEnd  AuditAction = "session.end"
	AuditPasswordSet AuditAction = "user.set_password"

	AuditTeamQuota  AuditAction = "team.set_quota"
	AuditUserSwitch AuditAction = "user.switch"
	AuditUserAdmin  AuditAction = "user.set_admin"
	AuditUserLink   AuditAction = "user.link_identity"
	AuditUserUnlink AuditAction = "user.unlink_identity"
	AuditSignInLink AuditAction = "user.make_sign_in_link" // at the server's command line

	AuditTeamCreate       AuditAction = "team.create"
	AuditMemberRole       AuditAction = "member.set_role"
	AuditMemberRemove     AuditAction = "member.remove"
	AuditInvite           AuditAction = "invitation.create"
	AuditInvitationRevoke AuditAction = "invitation.revoke"
	AuditInvitationAccept AuditAction = "invitation.accept"

	AuditTokenCreate AuditAction = "token.create"
	AuditTokenRevoke AuditAction = "token.revoke"
	AuditTrustCreate AuditAction = "trust.create"
	AuditTrustDelete AuditAction = "trust.delete"

	AuditWebhookCreate    AuditAction = "webhook.create"
	AuditWebhookUpdate    AuditAction = "webhook.update"
	AuditWebhookDelete    AuditAction = "webhook.delete"
	AuditWebhookRotate    AuditAction = "webhook.rotate_secret"
	AuditWebhookTest      AuditAction = "webhook.test"
	AuditWebhookRedeliver AuditAction = "webhook.redeliver"
	AuditWebhookDisable   AuditAction = "webhook.disable" // by the server itself

	AuditBackendRegister  AuditAction = "backend.register"
	AuditBackendProvision AuditAction = "backend.provision"
	AuditBackendUpdate    AuditAction = "backend.update"
	AuditBackendSleep     AuditAction = "backend.sleep"
	AuditBackendWake      AuditAction = "backend.wake"
	AuditBackendDestroy   AuditAction = "backend.destroy"
	AuditBackendTest      AuditAction = "backend.test"

	AuditSandboxCreate AuditAction = "sandbox.create"
	AuditSandboxExtend AuditAction = "sandbox.extend"
	AuditSandboxEnd    AuditAction = "sandbox.end"  // its end began
	AuditSandboxGone   AuditAction = "sandbox.gone" // nothing of it was left

	AuditTemplateCreate AuditAction = "sandbox_template.create"
	AuditTemplateUpdate AuditAction = "sandbox_template.update"
	AuditTemplateDelete AuditAction = "sandbox_template.delete"

	AuditOrphanDelete AuditAction = "orphan.delete"
	AuditOrphanAdopt  AuditAction = "orphan.adopt"

	AuditJobCancel AuditAction = "job.cancel"
	AuditJobRetry  AuditAction = "job.retry"
	AuditRollBack  AuditAction = "job.roll_back"
)

// AuditActions are all of them, in the order in which they are offered.
var AuditActions = []AuditAction{
	AuditSignIn, AuditSignOut, AuditSessionEnd, AuditPasswordSet,
	AuditTeamQuota,
	AuditUserSwitch, AuditUserAdmin, AuditUserLink, AuditUserUnlink, AuditSignInLink,
	AuditTeamCreate, AuditMemberRole, AuditMemberRemove, AuditInvite, AuditInvitationRevoke, AuditInvitationAccept,
	AuditTokenCreate, AuditTokenRevoke, AuditTrustCreate, AuditTrustDelete,
	AuditWebhookCreate, AuditWebhookUpdate, AuditWebhookDelete, AuditWebhookRotate, AuditWebhookTest, AuditWebhookRedeliver, AuditWebhookDisable,
	AuditBackendRegister, AuditBackendProvision, AuditBackendUpdate, AuditBackendSleep, AuditBackendWake, AuditBackendDestroy, AuditBackendTest,
	AuditSandboxCreate, AuditSandboxExtend, AuditSandboxEnd, AuditSandboxGone,
	AuditTemplateCreate, AuditTemplateUpdate, AuditTemplateDelete,
	AuditOrphanDelete, AuditOrphanAdopt,
	AuditJobCancel, AuditJobRetry, AuditRollBack,
}

// AuditOutcome says what became of it.
type AuditOutcome string

const (
	AuditDone      AuditOutcome = "done"
	AuditRefused   AuditOutcome = "refused"   // a sign-in with a wrong secret
	AuditThrottled AuditOutcome = "throttled" // a sign-in that was not even looked at
)

// Kinds of actors.
const (
	ActorUser   = "user"
	ActorToken  = "token"
	ActorSystem = "system" // the server itself, or somebody at its command line
	ActorNobody = "nobody" // who failed to sign in
)

// Kind tells what sort of actor it is, by its id.
func (a Actor) Kind() string {
	switch {
	case strings.HasPrefix(a.ID, PrefixUser):
		return ActorUser
	case strings.HasPrefix(a.ID, PrefixToken), strings.HasPrefix(a.ID, PrefixTrust):
		return ActorToken
	case a.Admin || a.Best() != "":
		return ActorSystem
	}
	return ActorNobody
}

// Origin is where a request came from.
type Origin struct {
	IP        string // the client's, by the rule for trusted proxies
	UserAgent string
	RequestID string
}

type originKey struct{}

// WithOrigin returns a context that tells where the request came from.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf returns where the request came from; zero outside any.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}

// Change is what is to be recorded of one action. Before and After become
// JSON; nil is nothing. They must hold no secrets.
type Change struct {
	Actor   Actor
	Action  AuditAction
	Noun    string // of the target: "backend", "token"
	ID      string // the target's
	Name    string // the target's
	TeamID  string // whose owners may read of it; "" = admins only
	JobID   string // the job that it queued or is about
	Before  any
	After   any
	Outcome AuditOutcome // AuditDone when empty
}

// AuditEntry is one row of the audit. Seq counts from 1 without gaps.
type AuditEntry struct {
	Seq        int64           `json:"seq"`
	At         time.Time       `json:"at"`
	ActorKind  string          `json:"actor_kind"`
	ActorID    string          `json:"actor_id,omitempty"`
	ActorName  string          `json:"actor_name,omitempty"`
	IP         string          `json:"ip,omitempty"`
	UserAgent  string          `json:"user_agent,omitempty"`
	Action     AuditAction     `json:"action"`
	Noun       string          `json:"noun"`
	TargetID   string          `json:"target_id,omitempty"`
	TargetName string          `json:"target_name,omitempty"`
	TeamID     string          `json:"team_id,omitempty"`
	JobID      string          `json:"job_id,omitempty"`
	Before     json.RawMessage `json:"before,omitempty"`
	After      json.RawMessage `json:"after,omitempty"`
	RequestID  string          `json:"request_id,omitempty"`
	Outcome    AuditOutcome    `json:"outcome"`
	Prev       string          `json:"prev"` // the hash of the row before, "" for the first
	Hash       string          `json:"hash"` // Digest of this row
}

// Digest is the row's hash: SHA-256 in hex over its fields in the order of the
// struct but for Hash, times as unix milliseconds, each as its length in
// bytes, a colon and its text, so that no two rows read the same.
func (e *AuditEntry) Digest() string {
	h := sha256.New()
	for _, field := range []string{
		fmt.Sprint(e.Seq), fmt.Sprint(e.At.UnixMilli()), e.ActorKind, e.ActorID, e.ActorName, e.IP, e.UserAgent,
		string(e.Action), e.Noun, e.TargetID, e.TargetName, e.TeamID, e.JobID, string(e.Before), string(e.After),
		e.RequestID, string(e.Outcome), e.Prev,
	} {
		fmt.Fprintf(h, "%d:%s", len(field), field)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// AuditFilter narrows the audit. The zero value is all of it.
type AuditFilter struct {
	Actor       string // id or name
	Action      string // an action, or the noun before its dot: "backend"
	Target      string // id or name
	From        time.Time
	To          time.Time // exclusive
	OldestFirst bool      // rows come in the order in which they were written
}

// AuditHead is the newest row's number and hash: what must be kept elsewhere
// to notice that the whole audit was written anew.
type AuditHead struct {
	Seq  int64
	Hash string
}

func (h AuditHead) String() string { return fmt.Sprintf("%d:%s", h.Seq, h.Hash) }

// ParseAuditHead reads what String wrote.
func ParseAuditHead(s string) (AuditHead, error) {
	var h AuditHead
	if n, err := fmt.Sscanf(s, "%d:%s", &h.Seq, &h.Hash); err != nil || n != 2 || h.Seq < 1 || len(h.Hash) != 2*sha256.Size {
		return AuditHead{}, Errorf(CodeInvalid, "%q is no head of the audit; it reads as 42:9f86d081…, a number and 64 hexadecimal digits.", s)
	}
	return h, nil
}

// AuditReport is what a check of the audit found.
type AuditReport struct {
	Rows  int64     // that were read and are good
	Head  AuditHead // as the database has it
	Fault *AuditFault
}

// AuditFault is the first row that is not as it was written.
type AuditFault struct {
	Seq int64
	Why string
}
