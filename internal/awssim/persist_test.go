package awssim_test

import (
	"errors"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/ec2"

	"drawbridge/internal/awssim"
	"drawbridge/internal/awssim/journal"
)

// open starts a simulator that the test itself closes.
func open(t *testing.T, dir string, now *clock) (*world, func()) {
	t.Helper()
	sim := ok[*awssim.Sim](t)(awssim.New(awssim.Options{Dir: dir, Profile: awssim.Demo, Now: now.Now}))
	srv := httptest.NewServer(sim.Handler())
	w := &world{t: t, sim: sim, url: srv.URL, World: ok[awssim.World](t)(sim.Seed())}
	w.connect(region)
	return w, func() {
		srv.Close()
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	}
}

// Everything comes back, and what takes time has gone on meanwhile.
func TestPersist_Reload(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), newClock()
	w, shut := open(t, dir, now)
	group := w.group("g")
	w.newListener(w.newBalancer("alb", group), w.newTargetGroup("tg"))
	w.newLink("link", group)
	id := w.launch(group)
	want := w.sim.Snapshot()
	shut()

	now.advance(10 * time.Second)
	w, shut = open(t, dir, now)
	if got := w.sim.Snapshot(); got != want {
		t.Errorf("came back as\n%+v\nwas\n%+v", got, want)
	}
	i := ok[*ec2.DescribeInstancesOutput](t)(w.ec2.DescribeInstances(t.Context(), &ec2.DescribeInstancesInput{InstanceIds: []string{id}})).Reservations[0].Instances[0]
	if i.State.Name != "running" {
		t.Errorf("10 s later %s", i.State.Name)
	}
	ok[*ec2.TerminateInstancesOutput](t)(w.ec2.TerminateInstances(t.Context(), &ec2.TerminateInstancesInput{InstanceIds: []string{id}}))
	shut()

	now.advance(10 * time.Second)
	w, shut = open(t, dir, now)
	defer shut()
	if got := w.sim.Snapshot(); got.Instances != want.Instances-1 || got.NetworkInterfaces != want.NetworkInterfaces-1 {
		t.Errorf("terminated, but %+v", got)
	}
}

// A stage that was made without settings serves after a restart, whether its
// row says nothing of them or null.
func TestPersist_StageWithoutSettings(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), newClock()
	w, shut := open(t, dir, now)
	c := &chain{world: w, instance: w.InstanceID, ec2Group: "sg-05100000000000001"}
	c.linkGroup, c.albGroup = w.group("test-vpclink-sg"), w.group("test-alb-sg")
	w.allow(c.albGroup, c.linkGroup, 80)
	w.allow(c.ec2Group, c.albGroup, 8000)
	c.buildBalancer()
	c.buildGateway()
	now.advance(time.Minute)
	shut()
	raw := ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "state.jsonl")))
	nulls := strings.ReplaceAll(string(raw), `"AutoDeploy":`, `"RouteSettings":null,"PerRoute":null,"AccessLog":null,"AutoDeploy":`)
	if nulls == string(raw) {
		t.Fatal("no stage in the state")
	}
	for name, text := range map[string]string{"nothing": string(raw), "null": nulls} {
		copied := t.TempDir()
		if err := os.WriteFile(filepath.Join(copied, "state.jsonl"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		again, shutAgain := open(t, copied, now)
		c.world = again
		c.waitHealthy()
		if got := c.get("/service-a"); got.status != 200 {
			t.Errorf("%s: %d %s", name, got.status, got.body)
		}
		shutAgain()
	}
}

// What was acknowledged is in the file before the answer is sent: a copy of the
// file taken at any later moment has it, torn or not.
func TestPersist_SurvivesAKill(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), newClock()
	w, shut := open(t, dir, now)
	defer shut()
	w.newLink("link", w.group("g"))
	want := w.sim.Snapshot()
	raw := ok[[]byte](t)(os.ReadFile(filepath.Join(dir, "state.jsonl")))
	for name, torn := range map[string]string{"whole": "", "torn": `[{"k":"ec2.vpc","i":"vpc-0`} {
		copied := t.TempDir()
		if err := os.WriteFile(filepath.Join(copied, "state.jsonl"), append(raw, torn...), 0o600); err != nil {
			t.Fatal(err)
		}
		again, shutAgain := open(t, copied, now)
		if got := again.sim.Snapshot(); got != want {
			t.Errorf("%s: came back as\n%+v\nwas\n%+v", name, got, want)
		}
		shutAgain()
	}
}

func TestPersist_Refusals(t *testing.T) {
	t.Parallel()
	dir, now := t.TempDir(), newClock()
	_, shut := open(t, dir, now)
	if _, err := awssim.New(awssim.Options{Dir: dir}); !errors.Is(err, journal.ErrInUse) {
		t.Errorf("a second simulator on one directory: %v", err)
	}
	shut()
	for name, line := range map[string]string{"damaged": "not json\n", "newer": `[{"k":"s3.bucket","i":"b","v":{}}]` + "\n", "range": `[{"k":"ec2.subnet","i":"s","v":{"ID":"s","CIDR":"::/0"}}]` + "\n", "wrong": `[{"k":"ec2.vpc","i":"v","v":7}]` + "\n"} {
		bad := t.TempDir()
		if err := os.WriteFile(filepath.Join(bad, "state.jsonl"), []byte(line), 0o600); err != nil {
			t.Fatal(err)
		}
		if sim, err := awssim.New(awssim.Options{Dir: bad}); err == nil {
			t.Errorf("%s: loaded", name)
			sim.Close()
		}
	}
	if _, err := awssim.New(awssim.Options{Region: "tokyo"}); err == nil {
		t.Error("region tokyo: taken")
	}
	if _, err := awssim.New(awssim.Options{Profile: "slow"}); err == nil {
		t.Error("profile slow: taken")
	}
}
