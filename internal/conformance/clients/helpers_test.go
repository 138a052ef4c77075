package clients

import (
	"bytes"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"drawbridge/internal/awssim"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const region = "ap-northeast-1"

// program finds a program that is not ours. Where it is missing the test is
// skipped; in CI that is a failure.
func program(t *testing.T, name, install string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		missing(t, name+" is not on PATH: "+install)
	}
	return path
}

func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// python finds an interpreter with boto3.
func python(t *testing.T) string {
	t.Helper()
	path := program(t, "python3", "apt-get install python3")
	if exec.Command(path, "-c", "import boto3").Run() != nil {
		missing(t, "python3 has no boto3: pip install boto3")
	}
	return path
}

type simulator struct {
	*awssim.Sim
	awssim.World
	url string
}

// simulate starts a simulator on loopback.
func simulate(t *testing.T, o awssim.Options) *simulator {
	t.Helper()
	sim, err := awssim.New(o)
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(sim.Handler())
	t.Cleanup(func() {
		srv.Close()
		if err := sim.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	w, err := sim.Seed()
	if err != nil {
		t.Fatal(err)
	}
	return &simulator{Sim: sim, World: w, url: srv.URL}
}

// environment is what every AWS client reads, and nothing of this machine's.
func (s *simulator) environment(extra ...string) []string {
	clean := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "AWS_") })
	return append(clean, append([]string{"AWS_ENDPOINT_URL=" + s.url, "AWS_REGION=" + region, "AWS_DEFAULT_REGION=" + region,
		"AWS_ACCESS_KEY_ID=local", "AWS_SECRET_ACCESS_KEY=local", "AWS_CONFIG_FILE=/dev/null",
		"AWS_SHARED_CREDENTIALS_FILE=/dev/null", "AWS_EC2_METADATA_DISABLED=true",
		"VPC_ID=" + s.VPCID, "SUBNET_A=" + s.SubnetIDs[0], "SUBNET_B=" + s.SubnetIDs[1]}, extra...)...)
}

// run runs a program to its end and returns what it printed.
func run(t *testing.T, env []string, name string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Env = env
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s%s", name, strings.Join(args, " "), err, out.String(), errs.String())
	}
	return out.String()
}
