package terraform

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// terraform runs the program in a folder of its own, with nothing of the
// developer's configuration.
type terraform struct {
	t    *testing.T
	dir  string
	env  []string
	vars []string // TF_VAR_name=value
}

// findProvider looks for the folder that is a mirror of providers: TF_MIRROR, or
// the first one found in the usual places.
var findProvider = sync.OnceValue(func() string {
	if dir := os.Getenv("TF_MIRROR"); dir != "" {
		return dir
	}
	home, err := os.UserHomeDir()
	if err != nil {
		home = ""
	}
	for _, root := range []string{"/opt", "/usr/share", "/usr/local", home} {
		if dir := mirrorUnder(root); dir != "" {
			return dir
		}
	}
	return ""
})

// errFound ends a walk.
var errFound = errors.New("found")

// mirrorUnder finds MIRROR/HOST/hashicorp/aws/VERSION/PLATFORM/terraform-provider-aws_v5….
func mirrorUnder(root string) string {
	mirror := ""
	if root == "" {
		return ""
	}
	const deepest = 10
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(root, path)
		switch {
		case err != nil, d.IsDir() && (strings.Count(rel, string(filepath.Separator)) >= deepest || d.Name() == "node_modules"):
			return fs.SkipDir // what cannot be read cannot be used
		case !d.IsDir() && strings.HasPrefix(d.Name(), "terraform-provider-aws_v5"):
			mirror = path
			for range 6 {
				mirror = filepath.Dir(mirror)
			}
			return errFound
		}
		return nil
	})
	if err != nil && !errors.Is(err, errFound) {
		return ""
	}
	return mirror
}

// missing skips the test on a developer's machine and fails it in CI.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// newTerraform copies the configuration in testdata to a folder of its own.
func newTerraform(t *testing.T) *terraform {
	t.Helper()
	if testing.Short() {
		t.Skip("this takes minutes")
	}
	program, err := exec.LookPath("terraform")
	if err != nil {
		missing(t, "terraform is not installed")
	}
	mirror := findProvider()
	if mirror == "" {
		missing(t, "no mirror with the provider hashicorp/aws 5 was found; name its folder in TF_MIRROR")
	}
	dir := t.TempDir()
	copyFiles(t, "testdata/all", dir)
	copyFiles(t, "testdata/chain", dir) // the root module
	copyFiles(t, "testdata/chain", filepath.Join(dir, "chain"))
	copyFiles(t, "testdata/ways", filepath.Join(dir, "ways"))
	config := filepath.Join(dir, "cli.tfrc")
	text := "disable_checkpoint = true\nprovider_installation {\n  filesystem_mirror {\n    path = \"" + filepath.ToSlash(mirror) + "\"\n  }\n}\n"
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	// Each command starts the provider up to four times, and most of what that
	// costs goes into 1,500 schemas: GOGC spares a quarter of it.
	return &terraform{t: t, dir: dir, env: []string{"PATH=" + filepath.Dir(program) + string(os.PathListSeparator) + os.Getenv("PATH"), "HOME=" + dir,
		"TF_CLI_CONFIG_FILE=" + config, "TF_IN_AUTOMATION=1", "TF_INPUT=0", "GOGC=400"}}
}

func copyFiles(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(to, 0o700); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(from, "*.tf"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no configuration in %s: %v", from, err)
	}
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err == nil {
			err = os.WriteFile(filepath.Join(to, filepath.Base(f)), raw, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// run runs a command, which must succeed, and returns what it printed.
func (tf *terraform) run(command string, args ...string) string {
	tf.t.Helper()
	out, code := tf.try(command, args...)
	if code != 0 {
		tf.t.Fatalf("terraform %s ended with %d:\n%s", command, code, out)
	}
	return out
}

// wantNoChanges makes a plan, which must be empty.
func (tf *terraform) wantNoChanges() {
	tf.t.Helper()
	if out, code := tf.try("plan", "-detailed-exitcode"); code != 0 {
		tf.t.Fatalf("the plan is not empty (%d):\n%s", code, out)
	}
}

func (tf *terraform) try(command string, args ...string) (string, int) {
	tf.t.Helper()
	ctx, cancel := context.WithTimeout(tf.t.Context(), 10*time.Minute) // of a hung one
	defer cancel()
	if command != "output" {
		args = append(args, "-no-color")
	}
	switch command {
	case "apply", "destroy", "plan":
		args = append(args, "-parallelism=60") // more than there are at once: they wait
	}
	cmd := exec.CommandContext(ctx, "terraform", append([]string{command}, args...)...)
	cmd.Dir, cmd.Env = tf.dir, append(tf.env, tf.vars...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	start := time.Now()
	err := cmd.Run()
	used := cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	tf.t.Logf("terraform %s took %s, %s of a processor; %s", command, time.Since(start).Round(100*time.Millisecond), used.Round(100*time.Millisecond), summary(stdout.String()))
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		tf.t.Fatalf("terraform %s: %v\n%s", command, err, stderr.String())
	}
	if err == nil {
		return stdout.String(), 0
	}
	return stdout.String() + stderr.String(), exit.ExitCode()
}

// summary is the line that says what a command did.
func summary(out string) string {
	for line := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(line, "No changes") || strings.Contains(line, " complete!") || strings.HasPrefix(line, "Plan:") {
			return line
		}
	}
	return ""
}
