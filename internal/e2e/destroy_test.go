package e2e

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/ec2/types"

	"drawbridge/internal/model"
)

// ec2Client is a client of the server's simulated AWS.
func (s *server) ec2Client() *ec2.Client {
	return ec2.New(ec2.Options{
		Region: "ap-northeast-1", BaseEndpoint: aws.String("http://" + s.sim),
		Credentials: credentials.NewStaticCredentialsProvider("local", "local", ""),
	})
}

// TestDestroyWaitsForLingeringInterfaces: those of a load balancer outlive it
// and hold its group, as on AWS; the step names what
// it waits for, and the job ends by itself.
func TestDestroyWaitsForLingeringInterfaces(t *testing.T) {
	t.Parallel()
	s := startServer(t, "real/60")
	before := s.counts()
	b := s.register(launch("orders", nil))
	s.succeeded(s.provision(b))
	from := s.backend(b.ID).EventSeq
	job := s.destroy(b)
	waits := map[string]string{}
	s.follow(b.ID, from, func(e model.Event) bool {
		var step model.Step
		if e.Type == model.EventStep && json.Unmarshal(e.Data, &step) == nil && strings.Contains(step.Why, "network interface") {
			waits[step.Key] = step.Why
		}
		var now model.Job
		return e.Type != model.EventJob || json.Unmarshal(e.Data, &now) != nil || now.ID != job.ID || !now.State.Ended()
	})
	s.succeeded(job)
	if !strings.Contains(waits["alb-sg"], "still uses it; AWS removes that a little later.") {
		t.Errorf("the steps said %q", waits)
	}
	if got := s.counts(); got != before {
		t.Errorf("left\n%+v, want\n%+v", got, before)
	}
}

// TestDestroyTellsWhatItCannotAccountFor: a group that somebody gave the
// backend's tags by hand is not deleted, and not passed over in silence.
func TestDestroyTellsWhatItCannotAccountFor(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	b := s.register(launch("orders", nil))
	s.succeeded(s.provision(b))

	client, ctx := s.ec2Client(), t.Context()
	tagged, err := client.DescribeSecurityGroups(ctx, &ec2.DescribeSecurityGroupsInput{Filters: []types.Filter{
		{Name: aws.String("tag:drawbridge:backend"), Values: []string{b.ID}}}})
	if err != nil || len(tagged.SecurityGroups) != 3 {
		t.Fatalf("tagged groups: %+v, %v", tagged, err)
	}
	const theirs = "sg-05100000000000001" // of the seeded instance
	tags := tagged.SecurityGroups[0].Tags
	if _, err := client.CreateTags(ctx, &ec2.CreateTagsInput{Resources: []string{theirs}, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	job := s.ended(s.destroy(b))
	if job.State != model.JobFailed || job.Problem == nil || job.Problem.Code != "LeftBehind" || !strings.Contains(job.Problem.Message, theirs) {
		t.Fatalf("destroy %s: %+v", job.State, job.Problem)
	}
	var orphans struct{ Items []model.Orphan }
	path, owner := "/api/v1/environments/"+b.EnvironmentID+"/orphans", s.token
	s.want(http.StatusForbidden, "GET", path, nil)
	s.token = strings.TrimSpace(s.command("token", "create", "--data-dir", s.dir, "--role", "admin"))
	s.want(http.StatusOK, "GET", path, nil).into(t, &orphans)
	s.token = owner
	if len(orphans.Items) != 1 || orphans.Items[0].ID != theirs || orphans.Items[0].BackendID != b.ID || orphans.Items[0].Foreign {
		t.Errorf("orphans %+v", orphans.Items)
	}
	if _, err := client.DeleteTags(ctx, &ec2.DeleteTagsInput{Resources: []string{theirs}, Tags: tags}); err != nil {
		t.Fatal(err)
	}
	if job = s.retried(job); job.State != model.JobSucceeded {
		t.Errorf("after the tags are gone: %s %+v", job.State, job.Problem)
	}
}
