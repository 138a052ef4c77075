package engine

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awssim"
)

const (
	region     = "ap-northeast-1"
	unlimited  = 10_000 // times AWS's rates: the panel's own limits do not count
	tickHertz  = 100    // clock ticks a second in /proc/PID/stat, the same on all of Linux's machines
	raisedFold = 10     // quotas of load balancers and VPC links
)

func must[T any](b *testing.B) func(T, error) T {
	return func(v T, err error) T {
		b.Helper()
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
}

// build makes the binary that users get.
func build(b *testing.B) string {
	b.Helper()
	path := filepath.Join(b.TempDir(), "drawbridge")
	if out, err := exec.Command("go", "build", "-o", path, "drawbridge/cmd/server").CombinedOutput(); err != nil {
		b.Fatalf("go build: %v\n%s", err, out)
	}
	return path
}

// process is a running subcommand of the binary.
type process struct {
	b   *testing.B
	cmd *exec.Cmd
	url string // as it printed it
}

// run starts a subcommand and returns when it has printed where it is. stop
// ends it; so does the end of the benchmark.
func run(b *testing.B, binary string, args ...string) *process {
	b.Helper()
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	cmd.Stderr = b.Output()
	stdout := must[io.ReadCloser](b)(cmd.StdoutPipe())
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	p := &process{b: b, cmd: cmd}
	b.Cleanup(p.stop)
	line := must[string](b)(bufio.NewReader(stdout).ReadString('\n'))
	p.url = strings.TrimSuffix(regexp.MustCompile(`http://[^\s/]+`).FindString(line), "/")
	if p.url == "" {
		b.Fatalf("%v printed %q", args, line)
	}
	return p
}

func (p *process) stop() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill()
		_ = p.cmd.Wait()
	}
}

// cpu is the processor time that the process has taken.
func (p *process) cpu() time.Duration {
	p.b.Helper()
	stat := string(must[[]byte](p.b)(os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))))
	fields := strings.Fields(stat[strings.LastIndex(stat, ")")+1:])
	var ticks int64
	for _, field := range fields[11:13] { // utime, stime: the 14th and 15th of all
		ticks += must[int64](p.b)(strconv.ParseInt(field, 10, 64))
	}
	return time.Duration(ticks) * time.Second / tickHertz
}

// peak is the most memory, in MB, that the process has had resident.
func (p *process) peak() float64 {
	p.b.Helper()
	status := string(must[[]byte](p.b)(os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))))
	m := regexp.MustCompile(`VmHWM:\s+(\d+) kB`).FindStringSubmatch(status)
	if m == nil {
		p.b.Fatalf("no VmHWM in\n%s", status)
	}
	return must[float64](p.b)(strconv.ParseFloat(m[1], 64)) * 1024 / 1e6
}

// site is a simulated AWS and a panel, each in a process of its own.
type site struct {
	b       *testing.B
	pace    pace
	sim     *process
	panel   *process
	token   string
	callLog string
}

// newSite starts both. The simulator keeps its state in memory: AWS does not
// share the panel's disk. The network is larger than the simulator's own,
// which has no room for a hundred chains.
func newSite(b *testing.B, binary string, p pace) *site {
	b.Helper()
	s := &site{b: b, pace: p, callLog: filepath.Join(b.TempDir(), "calls.jsonl")}
	s.sim = run(b, binary, append([]string{"sim", "--log-level", "error", "--sim-listen", "127.0.0.1:0",
		"--sim-call-log", s.callLog, "--sim-quotas", strconv.Itoa(raisedFold)}, p.flags()...)...)
	vpc, subnets := s.network()
	rates := p.speed
	if !p.throttled {
		rates = unlimited
	}
	dir := b.TempDir()
	s.panel = run(b, binary, "serve", "--log-level", "error", "--listen", "127.0.0.1:0", "--data-dir", dir, "--no-sim",
		"--aws-name", "cloud", "--aws-region", region, "--aws-endpoint", s.sim.url, "--aws-vpc", vpc, "--aws-subnets", strings.Join(subnets, ","),
		"--aws-rates", strconv.FormatFloat(rates, 'g', -1, 64))
	out := must[[]byte](b)(exec.Command(binary, "token", "create", "--data-dir", dir).Output())
	s.token = strings.TrimSpace(string(out))
	return s
}

func (s *site) stop() {
	s.panel.stop()
	s.sim.stop()
}

func (s *site) network() (vpc string, subnets []string) {
	ctx := s.b.Context()
	client := ec2.New(ec2.Options{Region: region, BaseEndpoint: &s.sim.url, Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")})
	made := must[*ec2.CreateVpcOutput](s.b)(client.CreateVpc(ctx, &ec2.CreateVpcInput{CidrBlock: aws.String("10.1.0.0/16")}))
	for zone, cidr := range map[string]string{"a": "10.1.0.0/20", "c": "10.1.16.0/20"} {
		sn := must[*ec2.CreateSubnetOutput](s.b)(client.CreateSubnet(ctx, &ec2.CreateSubnetInput{
			VpcId: made.Vpc.VpcId, CidrBlock: &cidr, AvailabilityZone: aws.String(region + zone)}))
		subnets = append(subnets, *sn.Subnet.SubnetId)
	}
	return *made.Vpc.VpcId, subnets
}

// ask sends a REST request and reads its answer into v.
func (s *site) ask(method, path, body string, v any) error {
	req, err := http.NewRequestWithContext(s.b.Context(), method, s.panel.url+"/api/v1"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+s.token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return err
	}
	if res.StatusCode >= http.StatusBadRequest {
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, raw)
	}
	return json.Unmarshal(raw, v)
}

// calls are those that the simulator has answered since a moment.
func (s *site) calls(since time.Time) []awssim.Call {
	s.b.Helper()
	f := must[*os.File](s.b)(os.Open(s.callLog))
	defer f.Close()
	var list []awssim.Call
	for dec := json.NewDecoder(f); ; {
		var c awssim.Call
		err := dec.Decode(&c)
		if err == io.EOF {
			return list
		}
		if err != nil {
			s.b.Fatal(err)
		}
		if !c.Start.Before(since) {
			list = append(list, c)
		}
	}
}

// local takes every name for this machine, as browsers do with those under .localhost.
var local = &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
}}}
