package awssim

import (
	"cmp"
	"regexp"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

func stsOps() map[string]queryOp {
	return map[string]queryOp{"GetCallerIdentity": getCallerIdentity, "AssumeRole": assumeRole}
}

func getCallerIdentity(c *call) ([]wire.Node, error) {
	id := "AIDASIMULATEDUSER0000"
	if ses := c.who.session; ses != nil {
		id = cmp.Or(ses.RoleID, roleUserID) + ":" + ses.Name
	}
	return []wire.Node{wire.Str("Arn", c.who.arn()), wire.Str("UserId", id), wire.Str("Account", c.account)}, nil
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.{1,600}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// maxChained is how long a session lasts that was got with another.
const maxChained = 3600

// assumeRole answers with keys of the role's account when the role's trust
// policy lets the caller in. A role that does not exist is refused alike.
func assumeRole(c *call) ([]wire.Node, error) {
	role, name, external := c.q.Str("RoleArn"), c.q.Str("RoleSessionName"), c.q.Str("ExternalId")
	seconds := c.q.Int("DurationSeconds", 3600)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	switch {
	case !roleARN.MatchString(role):
		return nil, wire.BadRequest("ValidationError", "%s is invalid", role)
	case !sessionName.MatchString(name):
		return nil, wire.BadRequest("ValidationError", "Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must have 2 to 64 of [\\w+=,.@-]", name)
	case external != "" && (len(external) > 1224 || !externalID.MatchString(external)):
		return nil, wire.BadRequest("ValidationError", "Value at 'externalId' failed to satisfy constraint: Member must have 2 to 1224 of [\\w+=,.@:/-]")
	case seconds < 900 || seconds > 43200:
		return nil, wire.BadRequest("ValidationError", "The requested DurationSeconds must be between 900 and 43200")
	}
	switch {
	case c.assumed == nil || !allows(c.assumed.Trust, c.assumption()):
		return nil, notAuthorized(c.who, "sts:AssumeRole", role)
	case c.who.session != nil && seconds > maxChained:
		return nil, wire.BadRequest("ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining")
	case seconds > c.assumed.MaxSession:
		return nil, wire.BadRequest("ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	account := strings.Split(role, ":")[4]
	ses := session{Key: "ASIA" + account + strings.ToUpper(randomHex(4)), Account: account, Role: c.assumed.Name, RoleID: c.assumed.ID, Name: name,
		Expires: c.now.Add(time.Duration(seconds) * time.Second).UTC()}
	token, err := c.writeToken(ses)
	if err != nil {
		return nil, err
	}
	return []wire.Node{
		wire.El("AssumedRoleUser", wire.Str("AssumedRoleId", c.assumed.ID+":"+name), wire.Str("Arn", ses.arn())),
		wire.El("Credentials", wire.Str("AccessKeyId", ses.Key), wire.Str("SecretAccessKey", c.sessionSecret(ses.Key)),
			wire.Str("SessionToken", token), wire.Time("Expiration", ses.Expires)),
	}, nil
}

// roleUserID stands in sessions that an older version gave.
const roleUserID = "AROASIMULATEDROLE0000"

func (ses *session) arn() string {
	return "arn:aws:sts::" + ses.Account + ":assumed-role/" + ses.Role + "/" + ses.Name
}
