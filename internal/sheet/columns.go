package sheet

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"drawbridge/internal/model"
)

// column is one column of the CSV form.
type column struct {
	name   string
	path   string // of the field, as package panel names it
	sample string // in the template
	get    func(e *Entry) string
	set    func(e *Entry, text string)
}

// columns are all columns, in the order of exports and of the template.
func columns() []column {
	return []column{
		{"name", "name", "orders-api", func(e *Entry) string { return e.Name }, func(e *Entry, s string) { e.Name = s }},
		{"environment", "environment_id", "", func(e *Entry) string { return e.Environment }, func(e *Entry, s string) { e.Environment = s }},
		{"source", "spec.source", "launch", func(e *Entry) string { return string(e.Spec.Source) }, func(e *Entry, s string) { e.Spec.Source = model.SourceType(strings.ToLower(s)) }},
		{"port", "spec.port", "8000", func(e *Entry) string { return strconv.Itoa(e.Spec.Port) }, setNumber("spec.port", func(e *Entry) *int { return &e.Spec.Port })},
		{"health_path", "spec.health_path", "/health", func(e *Entry) string { return e.Spec.HealthPath }, func(e *Entry, s string) { e.Spec.HealthPath = s }},
		{"count", "spec.launch.count", "1", ofLaunch(func(l *model.Launch) string { return strconv.Itoa(l.Count) }), setCount},
		{"instance_type", "spec.launch.instance_type", "t3.micro", ofLaunch(func(l *model.Launch) string { return l.InstanceType }), func(e *Entry, s string) { launch(e).InstanceType = s }},
		{"ami", "spec.launch.ami", "", ofLaunch(func(l *model.Launch) string { return l.AMI }), func(e *Entry, s string) { launch(e).AMI = s }},
		{"instance_profile", "spec.launch.instance_profile", "", ofLaunch(func(l *model.Launch) string { return l.InstanceProfile }), func(e *Entry, s string) { launch(e).InstanceProfile = s }},
		{"user_data", "spec.launch.user_data", "", ofLaunch(func(l *model.Launch) string { return scriptText(l.UserData) }), setScript},
		{"instance_ids", "spec.instances.ids", "", ofInstances(func(in *model.Instances) string { return strings.Join(in.IDs, " ") }), setIDs},
		{"add_rule", "spec.instances.add_rule", "", ofInstances(func(in *model.Instances) string { return yesNo(in.AddRule) }), setAddRule},
		{"tests", "spec.tests", "", func(e *Entry) string { return testsText(e.Spec.Tests) }, setTests},
		{"schedule", "spec.schedule", "", func(e *Entry) string { return scheduleText(e.Spec.Schedule) }, setSchedule},
		{"tags", "spec.tags", "team=orders", func(e *Entry) string { return tagsText(e.Spec.Tags) }, setTags},
	}
}

// columnNames are the names of all columns.
func columnNames() []string {
	var names []string
	for _, c := range columns() {
		names = append(names, c.name)
	}
	return names
}

// columnOf is the column of a field; "" when it has none.
func columnOf(path string) string {
	all := columns()
	i := slices.IndexFunc(all, func(c column) bool {
		return path == c.path || strings.HasPrefix(path, c.path+"[") || strings.HasPrefix(path, c.path+".")
	})
	if i < 0 {
		return ""
	}
	return all[i].name
}

func launch(e *Entry) *model.Launch {
	if e.Spec.Launch == nil {
		e.Spec.Launch = &model.Launch{}
	}
	return e.Spec.Launch
}

func instances(e *Entry) *model.Instances {
	if e.Spec.Instances == nil {
		e.Spec.Instances = &model.Instances{}
	}
	return e.Spec.Instances
}

func ofLaunch(get func(*model.Launch) string) func(*Entry) string {
	return func(e *Entry) string {
		if e.Spec.Launch == nil {
			return ""
		}
		return get(e.Spec.Launch)
	}
}

func ofInstances(get func(*model.Instances) string) func(*Entry) string {
	return func(e *Entry) string {
		if e.Spec.Instances == nil {
			return ""
		}
		return get(e.Spec.Instances)
	}
}

func setNumber(path string, at func(*Entry) *int) func(*Entry, string) {
	return func(e *Entry, s string) {
		n, err := strconv.Atoi(s)
		if err != nil {
			e.refuse(path, "%q is not a whole number.", s)
			return
		}
		*at(e) = n
	}
}

func setCount(e *Entry, s string) {
	setNumber("spec.launch.count", func(e *Entry) *int { return &launch(e).Count })(e, s)
	if s == "0" { // which would mean the default
		e.refuse("spec.launch.count", "Launch 1 to %d instances.", model.MaxInstances)
	}
}

// scriptText keeps line ends that CSV would change as a JSON string; no script
// begins with a quotation mark.
func scriptText(script string) string {
	if strings.Contains(script, "\r") || script != strings.TrimSpace(script) {
		return jsonText(script)
	}
	return script
}

func setScript(e *Entry, s string) {
	if strings.HasPrefix(s, `"`) {
		if err := json.Unmarshal([]byte(s), &launch(e).UserData); err != nil {
			e.refuse("spec.launch.user_data", "It begins with a quotation mark and is no JSON string.")
		}
		return
	}
	launch(e).UserData = s
}

func setIDs(e *Entry, s string) {
	instances(e).IDs = strings.FieldsFunc(s, func(r rune) bool { return r == ' ' || r == ',' || r == ';' || r == '\n' || r == '\t' })
}

func setAddRule(e *Entry, s string) {
	switch strings.ToLower(s) {
	case "yes", "true", "1":
		instances(e).AddRule = true
	case "no", "false", "0":
		instances(e).AddRule = false
	default:
		e.refuse("spec.instances.add_rule", "%q is neither yes nor no.", s)
	}
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// none stands for an empty list where an empty cell means the default.
const none = "none"

// testsText writes one test on each line, or JSON when lines cannot say all of it.
func testsText(tests []model.RouteTest) string {
	if len(tests) == 0 {
		return none
	}
	var lines []string
	for _, t := range tests {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %d %s", t.Method, t.Path, t.ExpectStatus, t.BodyContains)))
	}
	text := strings.Join(lines, "\n")
	var again Entry
	if setTests(&again, text); len(again.Refused) == 0 && slices.Equal(again.Spec.WithDefaults().Tests, tests) {
		return text
	}
	return jsonText(tests)
}

func setTests(e *Entry, s string) {
	e.Spec.Tests = []model.RouteTest{}
	if strings.EqualFold(s, none) {
		return
	}
	if strings.HasPrefix(s, "[") {
		if err := json.Unmarshal([]byte(s), &e.Spec.Tests); err != nil {
			e.refuse("spec.tests", "It begins with [ and is no JSON list of tests.")
		}
		return
	}
	for i, line := range strings.Split(s, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		method, rest, _ := strings.Cut(line, " ")
		if strings.HasPrefix(method, "/") {
			method, rest = "GET", line
		}
		path, rest, _ := strings.Cut(strings.TrimSpace(rest), " ")
		status, body, _ := strings.Cut(strings.TrimSpace(rest), " ")
		n, err := strconv.Atoi(cmp.Or(status, "200"))
		if err != nil || path == "" {
			e.refuse("spec.tests", "Line %d of the cell: write a test as in GET /path 200 text.", i+1)
			continue
		}
		e.Spec.Tests = append(e.Spec.Tests, model.RouteTest{Method: strings.ToUpper(method), Path: path, ExpectStatus: n, BodyContains: strings.TrimSpace(body)})
	}
}

// tagsText writes one tag on each line, or JSON when lines cannot say all of it.
func tagsText(tags map[string]string) string {
	var lines []string
	for k, v := range tags {
		lines = append(lines, k+"="+v)
	}
	slices.Sort(lines)
	text := strings.Join(lines, "\n")
	var again Entry
	if setTags(&again, text); len(tags) == 0 || len(again.Refused) == 0 && sameTags(again.Spec.Tags, tags) {
		return text
	}
	return jsonText(tags)
}

func sameTags(a, b map[string]string) bool { return jsonText(a) == jsonText(b) }

func setTags(e *Entry, s string) {
	e.Spec.Tags = map[string]string{}
	if strings.HasPrefix(s, "{") {
		if err := json.Unmarshal([]byte(s), &e.Spec.Tags); err != nil {
			e.refuse("spec.tags", "It begins with { and is no JSON object of texts.")
		}
		return
	}
	for i, line := range strings.Split(s, "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		key = strings.TrimSpace(key)
		if _, twice := e.Spec.Tags[key]; !ok || key == "" || twice {
			e.refuse("spec.tags", "Line %d of the cell: write each tag once, as key=value.", i+1)
			continue
		}
		e.Spec.Tags[key] = strings.TrimSpace(value)
	}
}

// jsonText is v as JSON; texts, lists and maps of texts always have one.
func jsonText(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return ""
	}
	return string(text)
}
