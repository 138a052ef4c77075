package engine

import (
	"flag"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"text/tabwriter"

	"drawbridge/internal/measured"
)

var only = flag.String("cases", ".*", "names of the cases to measure, a regular expression")

// row is a line of the table.
type row struct {
	Case      string  `json:"case"`
	Name      string  `json:"name"`
	Measured  float64 `json:"measured"`
	Goal      float64 `json:"goal"`
	AtLeast   bool    `json:"at_least,omitempty"` // the goal is a least, not a most
	Met       bool    `json:"met"`
	Seconds   float64 `json:"seconds,omitempty"`
	Bound     float64 `json:"bound_seconds,omitempty"`
	How       string  `json:"how,omitempty"` // the bound, or what was measured
	Terraform string  `json:"terraform,omitempty"`
	Script    string  `json:"script,omitempty"` // a plain script of the fewest calls
}

// yardstick is what a figure is compared with: the goal, and what Terraform
// and a plain script of the fewest calls took for the same.
type yardstick struct {
	goal              float64
	terraform, script string
}

// table collects rows in the order of their cases.
type table struct {
	name string // of the case that is being measured
	rows []row
}

func (t *table) ratio(what string, f figures, y yardstick) {
	t.rows = append(t.rows, row{Case: t.name, Name: what + ", / bound", Measured: f.ratio(), Goal: y.goal, Met: f.ratio() <= y.goal,
		Seconds: f.took.Seconds(), Bound: f.bound.Seconds(), How: f.path, Terraform: y.terraform, Script: y.script})
}

func (t *table) most(what string, measured float64, y yardstick, how string) {
	t.rows = append(t.rows, row{Case: t.name, Name: what, Measured: measured, Goal: y.goal, Met: measured <= y.goal,
		How: how, Terraform: y.terraform, Script: y.script})
}

// cases in the order of the table. Those that take no scale run in real time.
var cases = []struct {
	name    string
	measure func(b *testing.B, binary string, t *table)
}{
	{"one", measureOne},
	{"one-tenth", measureOneTenth},
	{"twenty-tenth", measureTwentyTenth},
	{"twenty-tenth-throttled", measureTwentyThrottled},
	{"twenty-real", measureTwentyReal},
	{"hundred", measureHundred},
	{"engine", measureEngine},
}

// measureOne takes three minutes to make and a minute and a half to destroy.
func measureOne(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife)
	defer s.stop()
	chains := s.register(1)
	t.ratio("1 chain, time to usable", s.provision(chains), yardstick{1.015, "1.27", ""})
	t.ratio("destroy 1 chain", s.destroy(chains), yardstick{1.05, "84 s", ""})
}

func measureOneTenth(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife.tenth())
	defer s.stop()
	f := s.provision(s.register(1))
	t.ratio("1 chain, a tenth of the durations", f, yardstick{1.05, "4.2", "1.02 (blind polling each second)"})
	t.most("1 chain, API calls to usable", f.calls, yardstick{32, "110", "50"}, "from the request to provision on, planning included")
	t.most("1 chain, mutations of these", f.mutations, yardstick{18, "26", "15"}, "")
	t.most("processor time for one chain, s", f.cpu.Seconds(), yardstick{0.5, "13.9", "0.7"}, "user and system time of the panel's process")
}

func measureTwentyTenth(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife.tenth())
	defer s.stop()
	f := s.provision(s.register(20))
	t.ratio("20 chains at a tenth, no throttles", f, yardstick{1.08, "4.5 (50 in parallel), 11.2 (default)", "1.10"})
	t.most("20 chains, calls per chain", f.calls, yardstick{22, "84", "48"}, "")
}

func measureTwentyThrottled(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife.tenth().throttle())
	defer s.stop()
	f := s.provision(s.register(20))
	t.ratio("20 chains at a tenth, documented throttles", f, yardstick{1.10, "3.1 (50 in parallel), 5.3 (default)", "1.46"})
	t.most("20 chains under throttles, calls per chain", f.calls, yardstick{22, "84", "48"}, "")
}

// measureTwentyReal and measureHundred run on a faster clock: AWS makes one
// VPC link in 15 s, so that a hundred take 25 minutes in real time.
func measureTwentyReal(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife.throttle().faster(5))
	defer s.stop()
	t.ratio("20 chains, real-life durations, documented throttles, clock x 5", s.provision(s.register(20)), yardstick{1.05, "2.4", ""})
}

func measureHundred(b *testing.B, binary string, t *table) {
	s := newSite(b, binary, realLife.throttle().faster(10))
	defer s.stop()
	f := s.provision(s.register(100))
	t.ratio("100 chains, documented throttles, clock x 10", f, yardstick{1.10, "", ""})
	t.most("resident memory with 100 chains in flight, MB", f.peakMB, yardstick{120, "783 MiB for one", ""}, "the most that the panel's process had")
}

// measureEngine waits for nothing but the engine: both processes share the
// machine's processors.
func measureEngine(b *testing.B, binary string, t *table) {
	const chains, goal = 60, 30
	s := newSite(b, binary, pace{})
	defer s.stop()
	f := s.provision(s.register(chains))
	rate := chains / f.took.Seconds()
	t.rows = append(t.rows, row{Case: t.name, Name: "engine alone, chains a second, SQLite", Measured: rate, Goal: goal, AtLeast: true,
		Met: rate >= goal, Seconds: f.took.Seconds(),
		How: fmt.Sprintf("60 chains at once, a simulator without waits in the next process; the panel's processor time for one: %d ms", f.cpu.Milliseconds())})
}

// BenchmarkEngine measures each case once, whatever b.N is, and prints one
// table. With BENCH_JSON=FOLDER it writes FOLDER/engine.json as well.
func BenchmarkEngine(b *testing.B) {
	wanted, err := regexp.Compile("^(?:" + *only + ")$")
	if err != nil {
		b.Fatal(err)
	}
	binary := build(b)
	t := &table{}
	for _, c := range cases {
		if wanted.MatchString(c.name) {
			t.name = c.name
			c.measure(b, binary, t)
		}
	}
	measured.Show(b, "engine", t.draw(), t.rows)
	for _, r := range t.rows {
		if !r.Met {
			b.Errorf("%s: %.3f, want %s", r.Name, r.Measured, r.goal())
		}
	}
}

func (r row) goal() string {
	if r.AtLeast {
		return fmt.Sprintf(">= %g", r.Goal)
	}
	return fmt.Sprintf("<= %g", r.Goal)
}

func (t *table) draw() string {
	var out strings.Builder
	w := tabwriter.NewWriter(&out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "case\tmust reach\tmeasured\ttook, s\tbound, s\thow\tTerraform\tscript")
	for _, r := range t.rows {
		took, bound := "", ""
		if r.Seconds > 0 {
			took = fmt.Sprintf("%.2f", r.Seconds)
		}
		if r.Bound > 0 {
			bound = fmt.Sprintf("%.2f", r.Bound)
		}
		fmt.Fprintf(w, "%s\t%s\t%.3f\t%s\t%s\t%s\t%s\t%s\n", r.Name, r.goal(), r.Measured, took, bound, r.How, r.Terraform, r.Script)
	}
	_ = w.Flush() // a strings.Builder takes everything
	return out.String()
}
