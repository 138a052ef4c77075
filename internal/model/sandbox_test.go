package model

import (
	"os/exec"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestSandboxName(t *testing.T) {
	t.Parallel()
	for from, want := range map[string]string{
		"main":                             "main",
		"feature/Log-In":                   "feature-log-in",
		"refs/heads/fix/it":                "fix-it",
		"refs/pull/42/merge":               "pr-42",
		"pull/7/head":                      "pr-7",
		"internal-tools":                   "sb-internal-tools",
		"internal":                         "sb-internal",
		"INTERNAL/x":                       "sb-internal-x",
		"internals":                        "internals",
		"--a--":                            "a",
		"a//b..c":                          "a-b-c",
		"1.2.3":                            "1-2-3",
		"feature/añadir-inicio-de-sesión":  "feature-a-adir-inici",
		"a-very-long-branch-name/with-end": "a-very-long-branch-n",
		"dependabot/npm_and_yarn/x-1.2":    "dependabot-npm-and-y",
	} {
		if got := SandboxName(from); got != want {
			t.Errorf("%q: %q, want %q", from, got, want)
		}
	}
	a, b := SandboxName("機能/ログイン"), SandboxName("機能/ログアウト")
	if a == b || !strings.HasPrefix(a, "sb-") || a != SandboxName("機能/ログイン") || SandboxName("") == "" {
		t.Errorf("%q %q", a, b)
	}
}

// TestSandboxNames_property: whatever the branch is called, a backend may be
// called so, numbered or not, and the numbered ones differ.
func TestSandboxNames_property(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(r *rapid.T) {
		from := rapid.OneOf(rapid.String(), rapid.StringMatching(`[a-z]{17,18}-[1-9]{1,3}`), rapid.StringMatching(`(internal|refs/heads/|refs/pull/)?[a-zA-Z0-9/_.-]{0,40}`)).Draw(r, "branch")
		names := SandboxNames(SandboxName(from), 120)
		names = append(names, NumberedSandboxName(names[0], ShortID(NewID(""))))
		seen := map[string]bool{}
		for _, n := range names {
			if why := ValidateBackendName(n); why != "" {
				r.Fatalf("%q of %q: %s", n, from, why)
			}
			if seen[n] {
				r.Fatalf("%q of %q comes twice", n, from)
			}
			seen[n] = true
		}
	})
}

func TestParseTTL(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "8h": 8 * time.Hour, "2d12h": 60 * time.Hour, "1d": 24 * time.Hour, " 1 H 5 m": 65 * time.Minute,
		"30s": 30 * time.Second, "0h": 0, "99999999999999999999h": hugeTTL, "99999999d99999999d": -1, "-1h": -1, "": -1, "8": -1, "h": -1,
		"1h1d": -1, "1.5h": -1, "soon": -1, "8h\x00": -1, "٣h": -1, "9223372036854775807d9223372036854775807s": hugeTTL,
	} {
		got, err := ParseTTL(text)
		if (err != nil) != (want < 0) || err == nil && got != want {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		d := time.Duration(rapid.Int64Range(1, int64(hugeTTL/time.Second)).Draw(r, "seconds")) * time.Second
		if back, err := ParseTTL(TTLText(d)); err != nil || back != d {
			r.Fatalf("%s was written %q and read as %s, %v", d, TTLText(d), back, err)
		}
	})
}

func TestSandboxWarnings(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for _, row := range []struct {
		life time.Duration
		want []time.Duration // before the end
	}{
		{3 * 24 * time.Hour, []time.Duration{48 * time.Hour, 2 * time.Hour, 30 * time.Minute}},
		{48 * time.Hour, []time.Duration{2 * time.Hour, 30 * time.Minute}},
		{8 * time.Hour, []time.Duration{2 * time.Hour, 30 * time.Minute}},
		{2 * time.Hour, []time.Duration{30 * time.Minute}},
		{30 * time.Minute, nil},
		{time.Minute, nil},
	} {
		var s Sandbox
		s.EndAt(now.Add(row.life), now)
		var got []time.Duration
		for at := now; at.Before(s.EndsAt); at = at.Add(time.Second) {
			w, end := s.Due(at)
			switch {
			case end:
				t.Errorf("%s: ended early", row.life)
			case w > 0 && at.Before(s.LookAt):
				t.Errorf("%s: the warning of %s is due before anybody looks", row.life, w)
			case w > 0:
				s.Warn(w)
				got = append(got, s.EndsAt.Sub(at))
			}
		}
		if _, end := s.Due(s.EndsAt); !end || !s.LookAt.Equal(s.EndsAt) {
			t.Errorf("%s: does not end at its end; looked at %s", row.life, s.LookAt)
		}
		if len(got) != len(row.want) {
			t.Fatalf("%s: warned %s before the end, want %s", row.life, got, row.want)
		}
		for i := range got {
			if got[i] != row.want[i] {
				t.Errorf("%s: warned %s before the end, want %s", row.life, got, row.want)
			}
		}
	}
	late := Sandbox{EndsAt: now.Add(time.Minute), Warned: 0}
	if w, _ := late.Due(now); w != 30*time.Minute {
		t.Errorf("of several that are overdue, %s was sent", w)
	}
	for tries, want := range map[int]time.Duration{0: time.Minute, 1: time.Minute, 2: 2 * time.Minute, 5: 16 * time.Minute, 7: time.Hour, 1000: time.Hour} {
		if got := (&Sandbox{Tries: tries}).RetryAfter(); got != want {
			t.Errorf("after %d tries it waits %s, want %s", tries, got, want)
		}
	}
	ending := Sandbox{EndingAt: now, LookAt: now.Add(3 * time.Hour)}
	if !ending.ToLookAt(now) || (&Sandbox{LookAt: now.Add(3 * time.Hour)}).ToLookAt(now) {
		t.Error("an end is put off by a clock that went back")
	}
}

// hostileValues would do something if they were read as anything but text.
var hostileValues = []string{
	"", "plain", "$(touch canary)", "`touch canary`", "'; touch canary; '", `"; touch canary; "`, "a b", "x && touch canary", "x|touch canary",
	"$HOME", "${IFS}", "-rf", "*", "~", "#", "!!", `\`, `\'`, "'\\''", "{{name}}", "{{branch}}", "<(touch canary)", "a;touch${IFS}canary", "é\u00a0ü", "EOF", "&", "機能",
}

// TestFill_shell runs filled user data in a real shell: each variable is the
// value, to the byte, and nothing else happened.
func TestFill_shell(t *testing.T) {
	t.Parallel()
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	tp := SandboxTemplate{Name: "t", Parameters: []TemplateParameter{{Name: "free"}}, Spec: Spec{Port: 8000, Source: SourceLaunch,
		Launch: &Launch{InstanceType: "t3.micro", Count: 1, UserData: "#!/bin/sh -e\nprintf '%s\\n' \"$SANDBOX_BRANCH\" \"$SANDBOX_FREE\" \"$SANDBOX_NAME\"\n"}}.WithDefaults()}
	check := func(value string) {
		t.Helper()
		spec, err := tp.Fill(Values{Name: "name-1", Key: "k", Branch: value, Parameters: map[string]string{"free": value}})
		if err != nil {
			t.Errorf("%q is refused where any text may be: %v", value, err)
			return
		}
		cmd := exec.Command(sh)
		cmd.Dir, cmd.Stdin = t.TempDir(), strings.NewReader(spec.Launch.UserData)
		out, err := cmd.CombinedOutput()
		if want := value + "\n" + value + "\nname-1\n"; err != nil || string(out) != want {
			t.Errorf("%q: the shell printed %q, %v", value, out, err)
		}
		if left, _ := exec.Command("ls", cmd.Dir).Output(); len(left) > 0 {
			t.Errorf("%q made %s", value, left)
		}
	}
	for _, v := range hostileValues {
		check(v)
	}
}

// TestFill_placeholders: in user data a placeholder takes harmless words only;
// elsewhere any text becomes what fits there.
func TestFill_placeholders(t *testing.T) {
	t.Parallel()
	tp := SandboxTemplate{Name: "t", Spec: Spec{Port: 8000, HealthPath: "/at/{{branch}}?b={{branch}}", Tags: map[string]string{"b": "{{branch}}"},
		Launch: &Launch{UserData: "#cloud-config\nwrite: {{ name }} {{.ID}}\n"}}.WithDefaults()}
	if err := tp.Validate(time.Hour); err != nil {
		t.Fatal(err)
	}
	if spec, err := tp.Fill(Values{Name: "name-1"}); err != nil || len(spec.Tags) != 0 {
		t.Errorf("without a branch the tags are %v, %v", spec.Tags, err)
	}
	for _, v := range hostileValues {
		spec, err := tp.Fill(Values{Name: "name-1", Branch: v})
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		if err := spec.Validate(); err != nil {
			t.Errorf("%q: the spec is refused: %v", v, err)
		}
		if spec.Launch.UserData != "#cloud-config\nwrite: name-1 {{.ID}}\n" {
			t.Errorf("user data %q", spec.Launch.UserData)
		}
		if strings.Count(spec.HealthPath, "?") != 1 || strings.ContainsAny(spec.HealthPath, "&#") {
			t.Errorf("%q: path %q", v, spec.HealthPath)
		}
	}
	tp.Spec.Launch.UserData = "#!/bin/sh\nrun {{branch}}\n"
	rapid.Check(t, func(r *rapid.T) {
		v := rapid.OneOf(rapid.SampledFrom(hostileValues), rapid.StringN(0, 20, 60)).Draw(r, "branch")
		spec, err := tp.Fill(Values{Name: "n", Branch: v})
		if err == nil && v != "" && !harmless(v) {
			r.Fatalf("%q was put into user data: %q", v, spec.Launch.UserData)
		}
		if err != nil && CodeOf(err) != CodeInvalid {
			r.Fatalf("%q: %v", v, err)
		}
	})
	for v, ok := range map[string]bool{"feature/x-1.2": true, "a:b@c+d_e": true, "-x": false, "a b": false, "a\nb": false, "a'b": false, "a$b": false, "a=b": false, "a,b": false} {
		if harmless(v) != ok {
			t.Errorf("%q: harmless %v", v, !ok)
		}
	}
}
