package clients

import (
	"strings"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
)

// TestWalk_AWSCLI takes the article's walk with the AWS CLI, with signatures
// checked, and leaves nothing behind.
func TestWalk_AWSCLI(t *testing.T) {
	t.Parallel()
	program(t, "aws", "pip install awscli")
	program(t, "curl", "apt-get install curl")
	bash := program(t, "bash", "apt-get install bash")
	s := simulate(t, awssim.Options{Secret: "the-secret"})
	before := s.Snapshot()
	out := run(t, s.environment("AWS_SECRET_ACCESS_KEY=the-secret"), bash, "testdata/walk.sh")
	t.Logf("%d steps:\n%s", strings.Count(out, "ok "), out)
	if after := s.Snapshot(); after != before {
		t.Errorf("the walk left something behind: %+v", after)
	}
	operations.Check(t, "AWS CLI", s.Calls())
}

// TestWalk_Boto3 does the same with boto3's paginators and waiters, and reads
// everything with every describe, list and get.
func TestWalk_Boto3(t *testing.T) {
	t.Parallel()
	py := python(t)
	s := simulate(t, awssim.Options{Secret: "the-secret"})
	before := s.Snapshot()
	out := run(t, s.environment("AWS_SECRET_ACCESS_KEY=the-secret"), py, "testdata/walk.py")
	t.Logf("%d steps:\n%s", strings.Count(out, "ok "), out)
	if after := s.Snapshot(); after != before {
		t.Errorf("the walk left something behind: %+v", after)
	}
	operations.Check(t, "boto3", s.Calls())
}
