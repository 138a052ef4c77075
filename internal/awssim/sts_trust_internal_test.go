package awssim

import (
	"testing"
)

// As much of the language of policies as trust policies need.
func TestAllows(t *testing.T) {
	t.Parallel()
	user := caller{account: "111122223333"}
	session := caller{account: "111122223333", session: &session{Account: "111122223333", Role: "app", Name: "s"}}
	statement := func(principal, rest string) string {
		return `{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":` + principal + rest + `}]}`
	}
	condition := func(text string) string { return statement(`"*"`, `,"Condition":`+text) }
	const deny = `{"Effect":"Deny","Action":"*","Principal":"*","Condition":{"StringNotEquals":{"sts:ExternalId":"a"}}}`
	for _, row := range []struct {
		policy string
		who    caller
		id     string // external id
		want   bool
	}{
		{statement(`"*"`, ""), user, "", true}, {statement(`{"AWS":"*"}`, ""), user, "", true},
		{statement(`{"AWS":"111122223333"}`, ""), user, "", true}, {statement(`{"AWS":["arn:aws:iam::999999999999:root","arn:aws:iam::111122223333:root"]}`, ""), user, "", true},
		{statement(`{"AWS":"arn:aws:iam::111122223333:user/local"}`, ""), user, "", true}, {statement(`{"AWS":"arn:aws:iam::111122223333:user/local"}`, ""), session, "", false},
		{statement(`{"AWS":"arn:aws:iam::111122223333:role/path/app"}`, ""), session, "", true}, {statement(`{"AWS":"arn:aws:iam::111122223333:role/app"}`, ""), user, "", false},
		{statement(`{"AWS":"arn:aws:sts::111122223333:assumed-role/app/s"}`, ""), session, "", true}, {statement(`{"AWS":"arn:aws:iam::999999999999:root"}`, ""), user, "", false},
		{statement(`{"Service":"ec2.amazonaws.com"}`, ""), user, "", false}, {`{"Statement":{"Effect":"Allow","Action":["sts:TagSession","sts:Assume*"],"Principal":"*"}}`, user, "", true},
		{`{"Statement":{"Effect":"Allow","Action":"sts:TagSession","Principal":"*"}}`, user, "", false},
		{condition(`{"StringEquals":{"sts:ExternalId":["a","b"]}}`), user, "b", true}, {condition(`{"StringEquals":{"STS:externalid":"a"}}`), user, "a", true},
		{condition(`{"StringEquals":{"sts:ExternalId":"a"}}`), user, "A", false}, {condition(`{"StringEquals":{"sts:ExternalId":"a"}}`), user, "", false},
		{condition(`{"StringEqualsIgnoreCase":{"sts:ExternalId":"a"}}`), user, "A", true}, {condition(`{"StringLike":{"sts:ExternalId":"tenant-*"}}`), user, "tenant-7", true},
		{condition(`{"StringEqualsIfExists":{"sts:ExternalId":"a"}}`), user, "", true}, {condition(`{"StringEqualsIfExists":{"sts:ExternalId":"a"}}`), user, "b", false},
		{condition(`{"StringNotEquals":{"sts:ExternalId":"a"}}`), user, "", true}, {condition(`{"StringNotEquals":{"sts:ExternalId":"a"}}`), user, "a", false},
		{condition(`{"Null":{"sts:ExternalId":"false"}}`), user, "a", true}, {condition(`{"Null":{"sts:ExternalId":"false"}}`), user, "", false},
		{condition(`{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`), user, "", true}, {condition(`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}`), session, "", true},
		{condition(`{"StringEquals":{"sts:ExternalId":"a"},"StringLike":{"aws:PrincipalAccount":"9*"}}`), user, "a", false},
		{condition(`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), user, "", false},
		{`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"},` + deny + `]}`, user, "a", true},
		{`{"Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":"*"},` + deny + `]}`, user, "b", false},
		{`{"Statement":"none"}`, user, "", false}, {`{}`, user, "", false}, {`[]`, user, "", false},
	} {
		keys := map[string]string{"aws:PrincipalAccount": row.who.account, "aws:PrincipalArn": row.who.principal()}
		if row.id != "" {
			keys["sts:ExternalId"] = row.id
		}
		if got := allows(row.policy, assumption{row.who, keys}); got != row.want {
			t.Errorf("%v for %s with %q: %s", got, row.who.arn(), row.id, row.policy)
		}
	}
}
