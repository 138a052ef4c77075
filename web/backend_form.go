package web

import (
	"fmt"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// backendForm is the register form as it was typed: what is refused comes
// back unchanged.
type backendForm struct {
	TeamID                         string
	Name, EnvironmentID            string
	Source                         string
	Port, HealthPath               string
	Count, InstanceType            string
	AMI, UserData, InstanceProfile string
	InstanceIDs                    []string
	AddRule                        bool
	Tests, Tags                    string
	Schedule                       scheduleForm
}

// defaultForm has sensible values in every field but the name.
func defaultForm(environmentID string) backendForm {
	spec := model.Spec{}.WithDefaults()
	f := backendForm{
		EnvironmentID: environmentID, Source: string(spec.Source),
		Port: strconv.Itoa(model.DefaultPort), HealthPath: spec.HealthPath,
		Count: strconv.Itoa(spec.Launch.Count), InstanceType: spec.Launch.InstanceType, AddRule: true, Schedule: defaultSchedule(),
	}
	f.Tests = testLines(spec.Tests)
	return f
}

// formOfSpec is the form that would make the spec.
func formOfSpec(s model.Spec) backendForm {
	f := backendForm{Source: string(s.Source), Port: strconv.Itoa(s.Port), HealthPath: s.HealthPath, Count: strconv.Itoa(model.DefaultCount),
		InstanceType: model.DefaultInstanceType, AddRule: true, Tests: testLines(s.Tests), Schedule: scheduleFormOfSpec(s.Schedule)}
	if l := s.Launch; l != nil {
		f.Count, f.InstanceType, f.AMI, f.UserData, f.InstanceProfile = strconv.Itoa(l.Count), l.InstanceType, l.AMI, l.UserData, l.InstanceProfile
	}
	if in := s.Instances; in != nil {
		f.InstanceIDs, f.AddRule = in.IDs, in.AddRule
	}
	for _, k := range slices.Sorted(maps.Keys(s.Tags)) {
		f.Tags += k + "=" + s.Tags[k] + "\n"
	}
	return f
}

// testLines are route tests as the form has them.
func testLines(tests []model.RouteTest) string {
	lines := make([]string, 0, len(tests))
	for _, t := range tests {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", t.Method, t.Path, t.ExpectStatus, t.BodyContains)))
	}
	return strings.Join(lines, "\n")
}

// formOf reads what the browser sent.
func formOf(v url.Values) backendForm {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return backendForm{
		TeamID: get("team_id"), Name: get("name"), EnvironmentID: get("environment_id"), Source: get("source"),
		Port: get("port"), HealthPath: get("health_path"), Count: get("count"),
		InstanceType: get("instance_type"), AMI: get("ami"), InstanceProfile: get("instance_profile"),
		// Browsers send CRLF; cloud-init wants the shell's line ends.
		UserData:    strings.ReplaceAll(v.Get("user_data"), "\r\n", "\n"),
		InstanceIDs: v["instance_ids"], AddRule: v.Get("add_rule") != "",
		Tests: v.Get("tests"), Tags: v.Get("tags"), Schedule: scheduleFormOf(v),
	}
}

// fields are the form as hidden inputs that say the same.
func (f backendForm) fields() []fact {
	all := []fact{
		{"environment_id", f.EnvironmentID}, {"source", f.Source}, {"port", f.Port}, {"health_path", f.HealthPath},
		{"count", f.Count}, {"instance_type", f.InstanceType}, {"ami", f.AMI}, {"instance_profile", f.InstanceProfile},
		{"user_data", f.UserData}, {"tests", f.Tests}, {"tags", f.Tags},
	}
	for _, id := range f.InstanceIDs {
		all = append(all, fact{"instance_ids", id})
	}
	if f.AddRule {
		all = append(all, fact{"add_rule", "1"})
	}
	return append(all, f.Schedule.fields()...)
}

// registration turns the form into the use case's input. What is not even a
// number or a line of the right form is refused here, with the same paths that
// panel uses.
func (f backendForm) registration() (panel.Registration, error) {
	var v model.Invalid
	spec := model.Spec{Source: model.SourceType(f.Source), HealthPath: f.HealthPath}
	spec.Port = number(&v, "spec.port", f.Port, "Write the port as a whole number, such as 8000.")
	if spec.Source == model.SourceInstances {
		spec.Instances = &model.Instances{IDs: f.InstanceIDs, AddRule: f.AddRule}
	} else {
		spec.Launch = &model.Launch{
			AMI: f.AMI, InstanceType: f.InstanceType, UserData: strings.TrimRight(f.UserData, " \n\t"),
			InstanceProfile: f.InstanceProfile,
			Count:           number(&v, "spec.launch.count", f.Count, "Write how many instances as a whole number, such as 1."),
		}
		spec.Schedule = f.Schedule.schedule()
		if f.Count == "0" {
			v.Add("spec.launch.count", "Launch 1 to %d instances.", model.MaxInstances)
		}
	}
	if f.HealthPath == "" {
		v.Add("spec.health_path", "Give a path, beginning with /.")
	}
	spec.Tests = parseTests(&v, f.Tests)
	spec.Tags = parseTags(&v, f.Tags)
	return panel.Registration{TeamID: f.TeamID, EnvironmentID: f.EnvironmentID, Name: f.Name, Spec: spec}, v.Err()
}

// untouched puts back what the form cannot say to the letter (names of tests,
// spaces at the end of a script) where nobody changed it.
func (f backendForm) untouched(spec, was model.Spec) model.Spec {
	shown := formOfSpec(was)
	same := func(a, b string) bool { return plainText(a) == plainText(b) }
	if same(f.Tests, shown.Tests) {
		spec.Tests = was.Tests
	}
	if same(f.Tags, shown.Tags) {
		spec.Tags = was.Tags
	}
	if l, old := spec.Launch, was.Launch; l != nil && old != nil && same(l.UserData, old.UserData) {
		l.UserData = old.UserData
	}
	return spec
}

// plainText is text as a browser may send it, without what it changes.
func plainText(s string) string { return strings.TrimSpace(strings.ReplaceAll(s, "\r\n", "\n")) }

func number(v *model.Invalid, path, text, advice string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		v.Add(path, "%s", advice)
	}
	return n
}

// parseTests reads one test per line: GET /path 200 [text that the body contains].
func parseTests(v *model.Invalid, text string) []model.RouteTest {
	tests := []model.RouteTest{} // not nil: an empty field means no tests, not the default ones
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		test, why := parseTest(line)
		if why != "" {
			v.Add("spec.tests", "Line %d: %s", i+1, why)
			continue
		}
		tests = append(tests, test)
	}
	return tests
}

func parseTest(line string) (model.RouteTest, string) {
	const form = "write it as in GET /path 200 text"
	method, rest, _ := strings.Cut(line, " ")
	if strings.HasPrefix(method, "/") {
		method, rest = "GET", line
	}
	path, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
	t := model.RouteTest{Method: strings.ToUpper(method), Path: path}
	if path == "" {
		return t, "there is no path; " + form + "."
	}
	status, text, _ := strings.Cut(strings.TrimSpace(rest), " ")
	if status != "" {
		n, err := strconv.Atoi(status)
		if err != nil {
			return t, fmt.Sprintf("%q stands where the status belongs; %s.", status, form)
		}
		t.ExpectStatus = n
	}
	t.BodyContains = strings.TrimSpace(text)
	return t, ""
}

// parseTags reads one tag per line: key=value.
func parseTags(v *model.Invalid, text string) map[string]string {
	var tags map[string]string
	for i, line := range strings.Split(text, "\n") {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if !ok || key == "" {
			v.Add("spec.tags", "Line %d: write the tag as key=value.", i+1)
			continue
		}
		if _, twice := tags[key]; twice {
			v.Add("spec.tags", "Line %d: the tag %q stands there twice.", i+1, key)
			continue
		}
		if tags == nil {
			tags = map[string]string{}
		}
		tags[key] = strings.TrimSpace(value)
	}
	return tags
}

var testPathRE = regexp.MustCompile(`^spec\.tests\[(\d+)\]`)

// fieldErrors sorts refusals to the form's fields; what belongs to none is in rest.
func fieldErrors(fields []model.Field) (byInput map[string]string, rest []string) {
	inputs := map[string]string{
		"name": "name", "team_id": "team_id", "environment_id": "environment_id", "spec.source": "source",
		"spec.port": "port", "spec.health_path": "health_path", "spec.launch.count": "count",
		"spec.launch.instance_type": "instance_type", "spec.launch.ami": "ami",
		"spec.launch.user_data": "user_data", "spec.launch.instance_profile": "instance_profile",
		"spec.instances.ids": "instance_ids", "spec.tests": "tests", "spec.tags": "tags",
	}
	maps.Copy(inputs, scheduleInputs)
	byInput = map[string]string{}
	for _, f := range fields {
		path, message := f.Path, f.Message
		if m := testPathRE.FindStringSubmatch(path); m != nil {
			n, _ := strconv.Atoi(m[1])
			path, message = "spec.tests", fmt.Sprintf("Test %d: %s", n+1, message)
		}
		input, ok := inputs[path]
		switch {
		case !ok:
			rest = append(rest, message)
		case byInput[input] == "":
			byInput[input] = message
		default:
			byInput[input] += " " + message
		}
	}
	return byInput, rest
}
