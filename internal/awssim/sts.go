package awssim

import (
	"regexp"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

func stsOps() map[string]queryOp {
	return map[string]queryOp{"GetCallerIdentity": getCallerIdentity, "AssumeRole": assumeRole}
}

func getCallerIdentity(c *call) ([]wire.Node, error) {
	if ses := c.who.session; ses != nil {
		return []wire.Node{wire.Str("Arn", ses.arn()), wire.Str("UserId", roleUserID+":"+ses.Name), wire.Str("Account", c.account)}, nil
	}
	return []wire.Node{wire.Str("Arn", "arn:aws:iam::"+c.account+":user/local"), wire.Str("UserId", "AIDASIMULATEDUSER0000"), wire.Str("Account", c.account)}, nil
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.{1,600}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// assumeRole answers with keys of the role's account; every role trusts
// everybody. A fault makes the refusal.
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
	account := strings.Split(role, ":")[4]
	ses := session{Key: "ASIA" + account + strings.ToUpper(randomHex(4)), Account: account, Role: role[strings.LastIndex(role, "/")+1:], Name: name,
		Expires: c.now.Add(time.Duration(seconds) * time.Second).UTC()}
	token, err := c.writeToken(ses)
	if err != nil {
		return nil, err
	}
	return []wire.Node{
		wire.El("AssumedRoleUser", wire.Str("AssumedRoleId", roleUserID+":"+name), wire.Str("Arn", ses.arn())),
		wire.El("Credentials", wire.Str("AccessKeyId", ses.Key), wire.Str("SecretAccessKey", c.sessionSecret(ses.Key)),
			wire.Str("SessionToken", token), wire.Time("Expiration", ses.Expires)),
	}, nil
}

const roleUserID = "AROASIMULATEDROLE0000"

func (ses *session) arn() string {
	return "arn:aws:sts::" + ses.Account + ":assumed-role/" + ses.Role + "/" + ses.Name
}
