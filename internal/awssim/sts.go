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
	return []wire.Node{wire.Str("Arn", "arn:aws:iam::"+c.account+":user/local"), wire.Str("UserId", "AIDASIMULATEDUSER0000"), wire.Str("Account", c.account)}, nil
}

var (
	roleARN     = regexp.MustCompile(`^arn:aws[a-z-]*:iam::\d{12}:role/.{1,600}$`)
	sessionName = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
	externalID  = regexp.MustCompile(`^[\w+=,.@:/-]{2,}$`)
)

// assumeRole answers with keys that are as good as any here; every role trusts
// everybody. A fault makes the refusal.
func assumeRole(c *call) ([]wire.Node, error) {
	role, session, external := c.q.Str("RoleArn"), c.q.Str("RoleSessionName"), c.q.Str("ExternalId")
	seconds := c.q.Int("DurationSeconds", 3600)
	if err := c.q.Err(); err != nil {
		return nil, err
	}
	switch {
	case !roleARN.MatchString(role):
		return nil, wire.BadRequest("ValidationError", "%s is invalid", role)
	case !sessionName.MatchString(session):
		return nil, wire.BadRequest("ValidationError", "Value '%s' at 'roleSessionName' failed to satisfy constraint: Member must have 2 to 64 of [\\w+=,.@-]", session)
	case external != "" && (len(external) > 1224 || !externalID.MatchString(external)):
		return nil, wire.BadRequest("ValidationError", "Value at 'externalId' failed to satisfy constraint: Member must have 2 to 1224 of [\\w+=,.@:/-]")
	case seconds < 900 || seconds > 43200:
		return nil, wire.BadRequest("ValidationError", "The requested DurationSeconds must be between 900 and 43200")
	}
	name := role[strings.LastIndex(role, "/")+1:]
	account := strings.Split(role, ":")[4]
	return []wire.Node{
		wire.El("AssumedRoleUser", wire.Str("AssumedRoleId", "AROASIMULATEDROLE0000:"+session),
			wire.Str("Arn", "arn:aws:sts::"+account+":assumed-role/"+name+"/"+session)),
		wire.El("Credentials", wire.Str("AccessKeyId", "ASIASIMULATED"+strings.ToUpper(randomHex(7))), wire.Str("SecretAccessKey", randomHex(40)),
			wire.Str("SessionToken", randomHex(64)), wire.Time("Expiration", c.now.Add(time.Duration(seconds)*time.Second))),
	}, nil
}
