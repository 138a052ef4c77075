package e2e

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/smithy-go"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/awssim"
)

// simAlone is the program as `drawbridge sim` runs it.
type simAlone struct {
	t   *testing.T
	cmd *exec.Cmd
	url string
}

func startSimAlone(t *testing.T, dir string) *simAlone {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := &simAlone{t: t, cmd: exec.Command(path, "sim", "--data-dir", dir, "--sim-listen", "127.0.0.1:0", "--sim-profile", "instant",
		"--sim-secret", awsSecret, "--sim-call-log", filepath.Join(dir, "calls.jsonl"))}
	stdout, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	logs := &lockedBuffer{}
	s.cmd.Stderr = logs
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	out := bufio.NewReader(stdout)
	line, err := out.ReadString('\n')
	if s.url = regexp.MustCompile(`http://[^/\s]+`).FindString(line); s.url == "" {
		t.Fatalf("it printed %q: %v\n%s", line, err, logs)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return s
}

func (s *simAlone) kill() {
	if s.cmd.ProcessState == nil {
		_ = s.cmd.Process.Signal(syscall.SIGKILL)
		_ = s.cmd.Wait() // it was killed
	}
}

func (s *simAlone) ec2(region, secret string) *ec2.Client {
	return ec2.New(ec2.Options{Region: region, BaseEndpoint: &s.url, Retryer: aws.NopRetryer{}, HTTPClient: awsapi.PlainBodies(awshttp.NewBuildableClient()), Credentials: credentials.NewStaticCredentialsProvider("123456789012", secret, "")})
}

// The simulated AWS runs alone: it checks signatures, keeps its Regions apart,
// has what it answered after a kill -9, and writes a line for each call.
func TestTheSimulatedAWSAlone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startSimAlone(t, dir)
	_, err := s.ec2("us-east-1", "wrong").DescribeVpcs(t.Context(), nil)
	var refusal smithy.APIError
	if !errors.As(err, &refusal) || refusal.ErrorCode() != "AuthFailure" {
		t.Errorf("with a wrong secret: %v", err)
	}
	made, err := s.ec2("us-east-1", awsSecret).CreateVpc(t.Context(), &ec2.CreateVpcInput{CidrBlock: aws.String("10.9.0.0/16")})
	if err != nil {
		t.Fatal(err)
	}
	s.kill()
	s = startSimAlone(t, dir)
	for region, want := range map[string]string{"us-east-1": *made.Vpc.VpcId, "eu-west-1": ""} {
		out, err := s.ec2(region, awsSecret).DescribeVpcs(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		have := ""
		for _, v := range out.Vpcs {
			have += *v.VpcId
		}
		if have != want {
			t.Errorf("after the kill %s has %q, want %q", region, have, want)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, "calls.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	var log []string
	for line := range strings.Lines(string(raw)) {
		var c awssim.Call
		if err := json.Unmarshal([]byte(line), &c); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		log = append(log, c.Operation+" "+c.Region+c.Code)
	}
	slices.Sort(log) // whom the signature does not prove has called nothing
	if want := "CreateVpc us-east-1, DescribeVpcs eu-west-1, DescribeVpcs us-east-1"; strings.Join(log, ", ") != want {
		t.Errorf("the log says %q, want %q", log, want)
	}
}

// It listens beyond this machine only when told so.
func TestTheSimulatedAWSAlone_Loopback(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(path, "sim", "--sim-listen", "0.0.0.0:0", "--data-dir", t.TempDir()).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--sim-remote") || !strings.Contains(string(out), "--sim-secret") {
		t.Errorf("it ended with %v and said %s", err, out)
	}
}
