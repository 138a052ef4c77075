package awssim_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"drawbridge/internal/awssim"
)

// trusting is the trust policy of AWS's guide for a role that another account
// uses; externalID "" demands none.
func trusting(account, externalID string) string {
	condition := ""
	if externalID != "" {
		condition = fmt.Sprintf(`,"Condition":{"StringEquals":{"sts:ExternalId":%q}}`, externalID)
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::%s:root"}%s}]}`, account, condition)
}

// newRole makes a role where its ARN says.
func (w *world) newRole(arn, trust string) {
	w.t.Helper()
	m := regexp.MustCompile(`^arn:aws:iam::(\d{12}):role(/(?:.*/)?)([^/]+)$`).FindStringSubmatch(arn)
	if got := w.iamAs(m[1], "CreateRole", "RoleName", m[3], "Path", m[2], "AssumeRolePolicyDocument", trust); got.status != 200 {
		w.t.Fatalf("CreateRole %s: %d %s", arn, got.status, got.text("Message"))
	}
}

func (w *world) assume(arn, externalID string, seconds int32) (*sts.AssumeRoleOutput, error) {
	in := &sts.AssumeRoleInput{RoleArn: &arn, RoleSessionName: aws.String("drawbridge"), DurationSeconds: &seconds}
	if externalID != "" {
		in.ExternalId = &externalID
	}
	return w.sts.AssumeRole(w.t.Context(), in)
}

// The role's trust policy decides, and a refusal does not tell why.
func TestAssumeRole_ExternalID(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	const role = "arn:aws:iam::111122223333:role/ops/drawbridge"
	w.newRole(role, trusting("000000000000", "tenant-7"))
	const denied = "User: arn:aws:iam::000000000000:user/local is not authorized to perform: sts:AssumeRole on resource: "
	for name, row := range map[string]struct{ arn, id string }{
		"a wrong id": {role, "tenant-8"}, "no id": {role, ""}, "another role": {"arn:aws:iam::111122223333:role/ops/other", "tenant-7"},
		"another path": {"arn:aws:iam::111122223333:role/drawbridge", "tenant-7"}, "an account of nobody's": {"arn:aws:iam::999999999999:role/r", "tenant-7"},
	} {
		t.Log(name)
		_, err := w.assume(row.arn, row.id, 900)
		wantCode(t, err, "AccessDenied", denied+row.arn)
	}
	got := ok[*sts.AssumeRoleOutput](t)(w.assume(role, "tenant-7", 3600))
	inside := w.as(region, *got.Credentials.AccessKeyId, *got.Credentials.SecretAccessKey, *got.Credentials.SessionToken)
	who := ok[*sts.GetCallerIdentityOutput](t)(inside.sts.GetCallerIdentity(t.Context(), nil))
	if *who.Arn != "arn:aws:sts::111122223333:assumed-role/drawbridge/drawbridge" || *who.UserId != *got.AssumedRoleUser.AssumedRoleId {
		t.Errorf("identity %s %s, want id %s", *who.Arn, *who.UserId, *got.AssumedRoleUser.AssumedRoleId)
	}
	if status := w.iamAs("111122223333", "DeleteRole", "RoleName", "drawbridge").status; status != 200 {
		t.Fatalf("DeleteRole: %d", status)
	}
	_, err := w.assume(role, "tenant-7", 3600)
	wantCode(t, err, "AccessDenied", denied)
}

// A session may last as long as its role says, and an hour when a session got it.
func TestAssumeRole_Duration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	const first, second = "arn:aws:iam::000000000000:role/first", "arn:aws:iam::000000000000:role/second"
	w.newRole(first, trusting("000000000000", ""))
	w.newRole(second, trusting("000000000000", ""))
	_, err := w.assume(first, "", 3601)
	wantCode(t, err, "ValidationError", "MaxSessionDuration")
	w.wantIAM(200, "", "UpdateRole", "RoleName", "second", "MaxSessionDuration", "7200")
	ok[*sts.AssumeRoleOutput](t)(w.assume(second, "", 7200))
	keys := ok[*sts.AssumeRoleOutput](t)(w.assume(first, "", 900)).Credentials
	inside := w.as(region, *keys.AccessKeyId, *keys.SecretAccessKey, *keys.SessionToken)
	_, err = inside.assume(second, "", 7200)
	wantCode(t, err, "ValidationError", "role chaining")
	ok[*sts.AssumeRoleOutput](t)(inside.assume(second, "", 3600))
}
