package clients

import (
	"strings"
	"testing"

	"drawbridge/internal/awssim"
	"drawbridge/internal/conformance/operations"
)

// TestWalk_AWSCLI takes the article's walk with the AWS CLI, with signatures
// checked, then calls every operation; both leave nothing behind.
func TestWalk_AWSCLI(t *testing.T) {
	t.Parallel()
	program(t, "aws", "pip install awscli")
	program(t, "curl", "apt-get install curl")
	bash, py := program(t, "bash", "apt-get install bash"), program(t, "python3", "apt-get install python3")
	walk(t, "AWS CLI", []string{bash, "testdata/walk.sh"}, []string{py, "testdata/operations.py", "cli"})
}

// TestWalk_Boto3 does the same with boto3's paginators and waiters.
func TestWalk_Boto3(t *testing.T) {
	t.Parallel()
	py := python(t)
	walk(t, "boto3", []string{py, "testdata/walk.py"}, []string{py, "testdata/operations.py", "boto3"})
}

// walk runs a client's programs, and compares its column of the table.
func walk(t *testing.T, column string, programs ...[]string) {
	s := simulate(t, awssim.Options{Secret: "the-secret"})
	before := s.Snapshot()
	for _, p := range programs {
		out := run(t, s.environment("AWS_SECRET_ACCESS_KEY=the-secret"), p[0], p[1:]...)
		t.Logf("%s: %d steps:\n%s", p[1], strings.Count(out, "ok "), out)
		if after := s.Snapshot(); after != before {
			t.Errorf("%s left something behind: %+v", p[1], after)
		}
	}
	operations.Check(t, column, s.Calls())
}
