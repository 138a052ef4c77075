package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// write writes a file into the person's home.
func (sh *shell) write(name, text string) {
	sh.t.Helper()
	if err := os.WriteFile(filepath.Join(sh.home, name), []byte(text), 0o600); err != nil {
		sh.t.Fatal(err)
	}
}

// TestCtlApply takes files from nothing to two backends, changes one, finds
// nothing more to do, exports what there is and destroys by name.
func TestCtlApply(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	const orders = "# yaml-language-server: $schema=http://panel/api/v1/schemas/backend.json\nname: orders\nspec:\n  port: 8000\n  tests:\n    - path: /service-a\n"
	sh.write("two.yaml", orders+"---\nname: stock\nspec: {}\n")
	out, _ := sh.ctl(2, "apply", "-f", "two.yaml", "--dry-run")
	says(t, out, "+ orders: would be registered and provisioned", "+ stock: would be", "    + ", "to make, 0 to change, 0 to replace, 0 to delete.")
	if n := len(s.backends()); n != 0 {
		t.Fatalf("a dry run made %d backends", n)
	}
	out, _ = sh.ctl(0, "apply", "-f", "two.yaml", "--wait")
	says(t, out, "orders: registered, job job_", "Provision orders: succeeded", "Provision stock: succeeded")
	out, _ = sh.ctl(0, "plan", "-f", "two.yaml")
	says(t, out, "= orders: nothing to do", "= stock: nothing to do")
	out, _ = sh.ctl(0, "apply", "-f", "two.yaml", "--wait")
	says(t, out, "orders: nothing to do")

	sh.write("one.yaml", strings.Replace(orders, "/service-a", "/service-b", 1)+"  tags: {team: shop}\n")
	out, _ = sh.ctl(2, "diff", "-f", "one.yaml")
	says(t, out, "~ orders: would change", `~ spec.tests[0].path: "/service-a" -> "/service-b"`, `+ spec.tags.team: "shop"`)
	out, _ = sh.ctl(2, "apply", "-f", "one.yaml", "--dry-run")
	says(t, out, "0 to replace, 0 to delete.")
	out, _ = sh.ctl(0, "apply", "-f", "one.yaml", "--wait")
	says(t, out, "orders: changed")

	sh.write("both.yaml", orders+"  health_path: /ready\n  launch: {instance_type: t3.small}\n")
	out, _ = sh.ctl(2, "apply", "-f", "both.yaml", "--dry-run")
	says(t, out, "    warning: The health check asks for /ready at once: of instance-1, too, until others take over.")

	out, _ = sh.ctl(0, "export", "orders")
	says(t, out, "# yaml-language-server: $schema=http://"+s.listen+"/api/v1/schemas/backend.json", "name: orders", "team: default", "shop")
	in := sh.cmd("apply", "-f", "-", "--dry-run")
	in.Stdin = strings.NewReader(out)
	if printed, err := in.CombinedOutput(); err != nil || !strings.Contains(string(printed), "= orders: nothing to do") {
		t.Errorf("what was exported is not in sync: %v\n%s", err, printed)
	}
	out, _ = sh.ctl(0, "sleep", "orders", "--wait")
	says(t, out, "Put to sleep orders: succeeded")
	sh.ctl(0, "plan", "-f", "one.yaml") // what sleeps needs no waking for this
	sh.ctl(0, "wake", "orders", "--wait")
	sh.ctl(0, "destroy", "orders", "--wait") // only ever by name
	sh.ctl(0, "destroy", "stock", "--wait")
}

// TestCtlApplyRefuses: a fault in one document keeps all from being applied,
// and each is told by its line, whoever found it.
func TestCtlApplyRefuses(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	for name, row := range map[string]struct{ file, want string }{
		"by the schema":        {"name: good\nspec: {}\n---\nname: bad\nspec:\n  prot: 8000\n", "bad.yaml:6:3: spec.prot: This field is not known. Did you mean port?"},
		"by the panel":         {"name: good\nspec: {}\n---\nname: bad\nspec:\n  port: 0\n", "bad.yaml:6:3: spec.port: 0 is not a port"},
		"by the plan":          {"name: good\nspec: {}\n---\nname: bad\nspec:\n  source: instances\n  instances:\n    ids: [i-0123456789abcdef0]\n", "bad.yaml:8:5: spec.instances.ids: "},
		"by name":              {"name: Not_Good\nspec: {}\n", "bad.yaml:1:1: name: "},
		"another environment":  {"name: bad\nenvironment: moon\nspec: {}\n", "bad.yaml:2:1: environment: "},
		"another team":         {"team: moon\nname: bad\nspec: {}\n", "There is no team"},
		"the same thing twice": {"name: bad\nspec: {}\n---\nname: bad\nspec: {}\n", "bad.yaml:4:1: name: This backend stands in bad.yaml:1 already."},
	} {
		sh.write("bad.yaml", row.file)
		_, errs := sh.ctl(1, "apply", "-f", "bad.yaml")
		if !strings.Contains(errs, row.want) {
			t.Errorf("%s: %q, want %q", name, errs, row.want)
		}
	}
	if list := s.backends(); len(list) != 0 {
		t.Errorf("%d backends were made", len(list))
	}
	sh.ctl(80, "apply")
	_, errs := sh.ctl(1, "apply", "-f", "none.yaml")
	says(t, errs, "none.yaml")
}

// backends lists what there is.
func (s *server) backends() []struct{ ID, Name string } {
	s.t.Helper()
	var l struct{ Items []struct{ ID, Name string } }
	s.want(200, "GET", "/api/v1/backends", nil).into(s.t, &l)
	return l.Items
}

// TestCtlWaitIsStopped: who stops a client that waits is told that the job goes
// on, and how to follow it; the job goes on.
func TestCtlWaitIsStopped(t *testing.T) {
	t.Parallel()
	s := startServer(t, "demo")
	sh := newShell(s)
	b := s.register(launch("lasting", nil))
	cmd := sh.cmd("provision", "lasting", "--wait")
	var errs strings.Builder
	cmd.Stderr = &errs
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	job := s.jobsOf(b.ID)[0]
	if code := cmd.ProcessState.ExitCode(); code != 130 || job.State.Ended() {
		t.Errorf("it ended with %d; the job is %s", code, job.State)
	}
	on := " goes on at the panel. Follow it again with: ctl logs " + job.ID
	says(t, errs.String(), "Provision lasting"+on)
	for _, timeout := range []string{"1ns", "100ms"} { // before the panel has answered, and while it tells
		_, late := sh.ctl(124, "logs", job.ID, "--timeout", timeout)
		says(t, late, on)
	}
	sh.ctl(80, "sleep", "lasting", "--timeout", "1s")
	sh.ctl(0, "logs", job.ID)
}

// TestCtlSandboxes goes through the life of a sandbox, as CI names it.
func TestCtlSandboxes(t *testing.T) {
	t.Parallel()
	s := startServer(t, "instant")
	sh := newShell(s)
	sh.env = append(sh.env, "GITHUB_HEAD_REF=feature/Größe $(id)")
	url, progress := sh.ctl(0, "sandbox", "create", "--wait", "--ttl", "2h")
	says(t, progress, "succeeded after")
	if a := get(t, strings.TrimSpace(url)+"service-a"); a.status != 200 {
		t.Errorf("%q: %d", url, a.status)
	}
	again, _ := sh.ctl(0, "sandbox", "create")
	if again != url {
		t.Errorf("asked again: %q, want %q", again, url)
	}
	out, _ := sh.ctl(0, "sandbox", "list")
	says(t, out, "feature/Größe $(id)", "lives", "ready")
	out, _ = sh.ctl(0, "sandbox", "get")
	says(t, out, "Made by", "Ends")
	out, _ = sh.ctl(0, "sandbox", "extend", "--ttl", "5h")
	says(t, out, "Ends")
	_, errs := sh.ctl(1, "sandbox", "extend", "--ttl", "900d")
	says(t, errs, "ttl")
	out, _ = sh.ctl(0, "sandbox", "templates")
	says(t, out, "Sample app")
	out, _ = sh.ctl(0, "sandbox", "end", "--wait")
	says(t, out, "is gone.")
	sh.ctl(0, "sandbox", "end") // as good as done
	sh.ctl(1, "sandbox", "get")
}
