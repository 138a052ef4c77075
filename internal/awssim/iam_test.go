package awssim_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/awssim"
)

// iamAnswer is what IAM answered: the texts of all elements by name, in order.
type iamAnswer struct {
	status int
	texts  map[string][]string
}

func (a iamAnswer) text(name string) string { return strings.Join(a.texts[name], ",") }

// iam makes a signed call of IAM, which has one Region for its signatures.
func (w *world) iam(action string, params ...string) iamAnswer {
	w.t.Helper()
	return w.iamAs("AKIDLOCAL", action, params...)
}

func (w *world) iamAs(key, action string, params ...string) iamAnswer {
	w.t.Helper()
	form := url.Values{"Action": {action}, "Version": {"2010-05-08"}}
	for i := 0; i < len(params); i += 2 {
		form.Set(params[i], params[i+1])
	}
	body := form.Encode()
	r := ok[*http.Request](w.t)(http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.url+"/", strings.NewReader(body)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256([]byte(body))
	keys := aws.Credentials{AccessKeyID: key, SecretAccessKey: w.secret}
	if err := v4.NewSigner().SignHTTP(w.t.Context(), keys, r, hex.EncodeToString(sum[:]), "iam", "us-east-1", time.Now()); err != nil {
		w.t.Fatal(err)
	}
	res := ok[*http.Response](w.t)(http.DefaultClient.Do(r))
	defer res.Body.Close()
	out := iamAnswer{res.StatusCode, map[string][]string{}}
	d, name := xml.NewDecoder(res.Body), ""
	for {
		tok, err := d.Token()
		if err == io.EOF {
			return out
		}
		if err != nil {
			w.t.Fatal(err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			name = tok.Name.Local
		case xml.EndElement:
			name = ""
		case xml.CharData:
			if name != "" {
				out.texts[name] = append(out.texts[name], string(tok))
			}
		}
	}
}

func (w *world) wantIAM(status int, code, action string, params ...string) {
	w.t.Helper()
	a := w.iam(action, params...)
	if a.status != status || a.text("Code") != code {
		w.t.Errorf("%s %v: %d %s (%s), want %d %s", action, params, a.status, a.text("Code"), a.text("Message"), status, code)
	}
}

const (
	trust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"Service":"ec2.amazonaws.com"}}]}`
	managed = "arn:aws:iam::aws:policy/AmazonSSMManagedInstanceCore"
)

func (w *world) profile(name string) {
	w.t.Helper()
	w.wantIAM(200, "", "CreateRole", "RoleName", name, "AssumeRolePolicyDocument", trust)
	w.wantIAM(200, "", "CreateInstanceProfile", "InstanceProfileName", name)
	w.wantIAM(200, "", "AddRoleToInstanceProfile", "InstanceProfileName", name, "RoleName", name)
}

// A role cannot go while something hangs on it.
func TestIAM_RoleLife(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	before := w.sim.Snapshot()
	w.profile("app")
	got := w.iam("GetInstanceProfile", "InstanceProfileName", "app")
	if got.text("Arn") != "arn:aws:iam::000000000000:instance-profile/app,arn:aws:iam::000000000000:role/app" {
		t.Errorf("profile: %v", got.texts)
	}
	if doc, _ := url.QueryUnescape(w.iam("GetRole", "RoleName", "app").text("AssumeRolePolicyDocument")); doc != trust {
		t.Errorf("trust policy: %s", doc)
	}
	w.wantIAM(409, "EntityAlreadyExists", "CreateRole", "RoleName", "APP", "AssumeRolePolicyDocument", trust)
	w.wantIAM(409, "EntityAlreadyExists", "CreateInstanceProfile", "InstanceProfileName", "app")
	w.wantIAM(409, "LimitExceeded", "AddRoleToInstanceProfile", "InstanceProfileName", "app", "RoleName", "app")
	w.wantIAM(409, "DeleteConflict", "DeleteInstanceProfile", "InstanceProfileName", "app")
	w.wantIAM(409, "DeleteConflict", "DeleteRole", "RoleName", "app")
	if got := w.iam("ListInstanceProfilesForRole", "RoleName", "app").text("InstanceProfileName"); got != "app" {
		t.Errorf("profiles of the role: %s", got)
	}
	w.wantIAM(200, "", "RemoveRoleFromInstanceProfile", "InstanceProfileName", "app", "RoleName", "app")
	w.wantIAM(200, "", "AttachRolePolicy", "RoleName", "app", "PolicyArn", managed)
	w.wantIAM(409, "DeleteConflict", "DeleteRole", "RoleName", "app")
	if got := w.iam("ListAttachedRolePolicies", "RoleName", "app").text("PolicyName"); got != "AmazonSSMManagedInstanceCore" {
		t.Errorf("attached: %s", got)
	}
	w.wantIAM(200, "", "DetachRolePolicy", "RoleName", "app", "PolicyArn", managed)
	w.wantIAM(200, "", "PutRolePolicy", "RoleName", "app", "PolicyName", "own", "PolicyDocument", `{}`)
	w.wantIAM(409, "DeleteConflict", "DeleteRole", "RoleName", "app")
	if got := w.iam("ListRolePolicies", "RoleName", "app").text("member"); got != "own" {
		t.Errorf("inline: %s", got)
	}
	w.wantIAM(200, "", "DeleteRolePolicy", "RoleName", "app", "PolicyName", "own")
	w.wantIAM(200, "", "DeleteRole", "RoleName", "app")
	w.wantIAM(200, "", "DeleteInstanceProfile", "InstanceProfileName", "app")
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("left: %s", after.IDs)
	}
}

func TestIAM_Refusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	w.profile("app")
	before := w.sim.Snapshot()
	w.wantIAM(404, "NoSuchEntity", "GetRole", "RoleName", "other")
	w.wantIAM(404, "NoSuchEntity", "GetInstanceProfile", "InstanceProfileName", "other")
	w.wantIAM(404, "NoSuchEntity", "GetRolePolicy", "RoleName", "app", "PolicyName", "none")
	w.wantIAM(404, "NoSuchEntity", "DetachRolePolicy", "RoleName", "app", "PolicyArn", managed)
	w.wantIAM(404, "NoSuchEntity", "AttachRolePolicy", "RoleName", "app", "PolicyArn", "arn:aws:iam::000000000000:policy/none")
	w.wantIAM(404, "NoSuchEntity", "RemoveRoleFromInstanceProfile", "InstanceProfileName", "app", "RoleName", "other")
	w.wantIAM(400, "ValidationError", "CreateRole", "RoleName", "no spaces", "AssumeRolePolicyDocument", trust)
	w.wantIAM(400, "ValidationError", "CreateRole", "RoleName", strings.Repeat("a", 65), "AssumeRolePolicyDocument", trust)
	w.wantIAM(400, "ValidationError", "CreateRole", "RoleName", "r", "Path", "no-slash", "AssumeRolePolicyDocument", trust)
	w.wantIAM(400, "ValidationError", "CreateRole", "RoleName", "r", "MaxSessionDuration", "60", "AssumeRolePolicyDocument", trust)
	w.wantIAM(400, "MalformedPolicyDocument", "CreateRole", "RoleName", "r", "AssumeRolePolicyDocument", "{")
	w.wantIAM(400, "MalformedPolicyDocument", "PutRolePolicy", "RoleName", "app", "PolicyName", "p", "PolicyDocument", "")
	w.wantIAM(400, "ValidationError", "ListRoles", "MaxItems", "0")
	w.wantIAM(400, "ValidationError", "TagRole", "RoleName", "app", "Tags.member.1.Key", "aws:x", "Tags.member.1.Value", "")
	w.wantIAM(400, "InvalidAction", "CreateUser", "UserName", "u")
	if after := w.sim.Snapshot(); after != before {
		t.Errorf("a refused call changed something: %s", after.IDs)
	}
	for n := range 10 {
		w.wantIAM(200, "", "AttachRolePolicy", "RoleName", "app", "PolicyArn", fmt.Sprintf("arn:aws:iam::aws:policy/Policy%d", n))
	}
	w.wantIAM(409, "LimitExceeded", "AttachRolePolicy", "RoleName", "app", "PolicyArn", managed)
}

func TestIAM_TagsAndPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t, awssim.Options{})
	for _, name := range []string{"a", "b", "c"} {
		w.profile(name)
	}
	first := w.iam("ListRoles", "MaxItems", "2")
	if first.text("RoleName") != "a,b" || first.text("IsTruncated") != "true" {
		t.Errorf("first page: %v", first.texts)
	}
	last := w.iam("ListRoles", "MaxItems", "2", "Marker", first.text("Marker"))
	if last.text("RoleName") != "c" || last.text("IsTruncated") != "false" || last.text("Marker") != "" {
		t.Errorf("last page: %v", last.texts)
	}
	if got := w.iam("ListInstanceProfiles").text("InstanceProfileName"); got != "a,b,c" {
		t.Errorf("profiles: %s", got)
	}
	for noun, param := range map[string]string{"Role": "RoleName", "InstanceProfile": "InstanceProfileName"} {
		w.wantIAM(200, "", "Tag"+noun, param, "a", "Tags.member.1.Key", "k", "Tags.member.1.Value", "v", "Tags.member.2.Key", "l", "Tags.member.2.Value", "w")
		w.wantIAM(200, "", "Untag"+noun, param, "a", "TagKeys.member.1", "k")
		if got := w.iam("List"+noun+"Tags", param, "a"); got.text("Key")+"="+got.text("Value") != "l=w" {
			t.Errorf("tags of the %s: %v", noun, got.texts)
		}
	}
	w.wantIAM(200, "", "UpdateRole", "RoleName", "a", "Description", "of a", "MaxSessionDuration", "7200")
	w.wantIAM(200, "", "UpdateAssumeRolePolicy", "RoleName", "a", "PolicyDocument", `{"changed":true}`)
	got := w.iam("GetRole", "RoleName", "a")
	if got.text("Description") != "of a" || got.text("MaxSessionDuration") != "7200" || !strings.Contains(got.text("AssumeRolePolicyDocument"), "changed") {
		t.Errorf("updated: %v", got.texts)
	}
}

// EC2 hears of a new profile after a while; Terraform knows that and waits.
func TestIAM_ProfileBecomesVisible(t *testing.T) {
	t.Parallel()
	c := newClock()
	w := newWorld(t, awssim.Options{Profile: awssim.Real, Now: c.Now})
	w.profile("app")
	launch := func(spec types.IamInstanceProfileSpecification) error {
		_, err := w.ec2.RunInstances(t.Context(), &ec2.RunInstancesInput{ImageId: aws.String(imageX86), InstanceType: "t3.micro", MinCount: aws.Int32(1),
			MaxCount: aws.Int32(1), SubnetId: &w.SubnetIDs[0], IamInstanceProfile: &spec})
		return err
	}
	wantCode(t, launch(types.IamInstanceProfileSpecification{Name: aws.String("app")}), "InvalidParameterValue", "Invalid IAM Instance Profile name")
	c.advance(10 * time.Second)
	if err := launch(types.IamInstanceProfileSpecification{Name: aws.String("app")}); err != nil {
		t.Error(err)
	}
	if err := launch(types.IamInstanceProfileSpecification{Arn: aws.String("arn:aws:iam::000000000000:instance-profile/app")}); err != nil {
		t.Error(err)
	}
	wantCode(t, launch(types.IamInstanceProfileSpecification{Arn: aws.String("arn:aws:iam::000000000000:instance-profile/no")}), "InvalidParameterValue", "Invalid IAM Instance Profile ARN")
}
