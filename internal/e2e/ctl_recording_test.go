package e2e

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var record = flag.Bool("record", false, "write docs/ctl-session.txt anew")

// session is what is typed in the recording.
var session = []struct {
	line string
	code int
}{
	{"drawbridge ctl environments list", 0},
	{"cat backend.yaml", 0},
	{"drawbridge ctl apply -f backend.yaml --dry-run; echo \"exit code $?\"", 0},
	{"drawbridge ctl apply -f backend.yaml --wait", 0},
	{"drawbridge ctl tests run orders-api", 0},
	{"sed -i 's/port: 8000/prot: 8080/' backend.yaml && drawbridge ctl apply -f backend.yaml", 1},
	{"drawbridge ctl sandbox create --key pr-42 --branch feature/login --ttl 8h --wait", 0},
	{"drawbridge ctl sandbox list", 0},
	{"drawbridge ctl sandbox end pr-42 --wait", 0},
	{"drawbridge ctl destroy orders-api --wait", 0},
}

// TestCtlRecording types a session on a terminal. With -record it becomes
// docs/ctl-session.txt, as the screen shows it at each end.
func TestCtlRecording(t *testing.T) {
	t.Parallel()
	script := needs(t, "script")
	s := startServer(t, map[bool]string{true: "demo", false: "instant"}[*record])
	sh := newShell(s)
	bin := filepath.Join(sh.home, "bin")
	if err := os.MkdirAll(bin, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(sh.path, filepath.Join(bin, "drawbridge")); err != nil {
		t.Fatal(err)
	}
	sh.write("backend.yaml", "name: orders-api\nspec:\n  port: 8000\n  tests:\n    - path: /service-a\n      body_contains: Service A\n")
	var seen strings.Builder
	for _, typed := range session {
		cmd := exec.CommandContext(t.Context(), script, "-qec", "stty cols 110 rows 40; "+typed.line, "/dev/null")
		cmd.Dir = sh.home
		cmd.Env = append(sh.cmd().Env, "PATH="+bin+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput()
		text := onScreen(string(out))
		if code := cmd.ProcessState.ExitCode(); code != typed.code {
			t.Fatalf("%s ended with %d, want %d\n%s", typed.line, code, typed.code, text)
		}
		fmt.Fprintf(&seen, "$ %s\n%s\n", typed.line, text)
	}
	says(t, seen.String(), "✓ Provision orders-api: succeeded", "└─ ✓ ", "exit code 2", "backend.yaml:3:3: spec.prot: This field is not known. Did you mean port?", "is gone.")
	t.Logf("\n%s", &seen)
	if *record {
		text := strings.ReplaceAll(seen.String(), s.listen, "127.0.0.1:8080")
		text = strings.ReplaceAll(text, s.sim, "127.0.0.1:8081")
		text = regexp.MustCompile(`:\d{5}/`).ReplaceAllString(text, ":8081/")
		if err := os.WriteFile(filepath.Join("..", "..", "docs", "ctl-session.txt"), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

var control = regexp.MustCompile(`\x1b\[(\d*)([A-Za-z])|[^\x1b\n]+|\n`)

// onScreen is what a terminal shows at last of what was printed. It knows the
// two movements that the client makes: up by lines, and away with what is below.
func onScreen(printed string) string {
	lines, at := []string{""}, 0
	for _, m := range control.FindAllStringSubmatch(strings.ReplaceAll(printed, "\r", ""), -1) {
		switch {
		case m[2] == "A":
			n, _ := strconv.Atoi(m[1])
			at = max(0, at-n)
		case m[2] == "J":
			lines = append(lines[:at], "")
		case m[0] == "\n":
			if at++; at == len(lines) {
				lines = append(lines, "")
			}
		case m[2] == "":
			lines[at] += m[0]
		}
	}
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.TrimRight(strings.Join(lines, "\n"), "\n")
}
