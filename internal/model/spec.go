package model

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// SourceType says where a backend's app runs.
type SourceType string

const (
	SourceLaunch    SourceType = "launch"    // Drawbridge launches instances
	SourceInstances SourceType = "instances" // existing instances, referenced, never terminated
)

// Spec is what a team asks for. WithDefaults fills what may be left out.
type Spec struct {
	Source     SourceType        `json:"source"`
	Launch     *Launch           `json:"launch,omitempty"`    // for SourceLaunch
	Instances  *Instances        `json:"instances,omitempty"` // for SourceInstances
	Port       int               `json:"port"`                // where the app listens, 1-65535
	HealthPath string            `json:"health_path"`         // asked by the target group, begins with /
	Tests      []RouteTest       `json:"tests,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`     // put on every resource beside the owner tags
	Schedule   *Schedule         `json:"schedule,omitempty"` // nil: awake until somebody has it sleep
}

// Launch describes new instances.
type Launch struct {
	AMI             string `json:"ami,omitempty"` // "" = newest Amazon Linux 2023 by its SSM public parameter
	InstanceType    string `json:"instance_type"`
	Count           int    `json:"count"`
	UserData        string `json:"user_data,omitempty"`        // "" = the sample app; 16 KiB at most, no secrets
	InstanceProfile string `json:"instance_profile,omitempty"` // name or ARN
}

// Instances names existing instances of the environment's VPC.
type Instances struct {
	IDs []string `json:"ids"`
	// AddRule: add the inbound rule that lets the load balancer reach the
	// app to the instances' security group. Otherwise a missing rule is reported.
	AddRule bool `json:"add_rule"`
}

// Defaults of a spec; the form shows them filled in.
const (
	DefaultPort         = 8000
	DefaultHealthPath   = "/health"
	DefaultInstanceType = "t3.micro"
	DefaultCount        = 1
	MaxInstances        = 10
	MaxUserData         = 16 << 10 // bytes before base64 (docs/aws-facts.md, section I)
	MaxTests            = 50
)

// WithDefaults returns the spec with empty fields filled in. It does not validate.
func (s Spec) WithDefaults() Spec {
	if s.Source == "" {
		s.Source = SourceLaunch
	}
	if s.Source == SourceLaunch {
		l := Launch{}
		if s.Launch != nil {
			l = *s.Launch
		}
		if l.InstanceType == "" {
			l.InstanceType = DefaultInstanceType
		}
		if l.Count == 0 {
			l.Count = DefaultCount
		}
		s.Launch = &l
	}
	if s.HealthPath == "" {
		s.HealthPath = DefaultHealthPath
	}
	if s.Tests == nil {
		s.Tests = []RouteTest{{Path: "/"}, {Path: "/service-a"}, {Path: "/service-b"}}
		if s.Source == SourceInstances || s.Launch != nil && s.Launch.UserData != "" {
			s.Tests = s.Tests[:1]
		}
	}
	s.Schedule = s.Schedule.withDefaults()
	s.Tests = slices.Clone(s.Tests)
	for i := range s.Tests {
		s.Tests[i] = s.Tests[i].WithDefaults()
	}
	return s
}

var (
	amiRE          = regexp.MustCompile(`^ami-[0-9a-f]{8,17}$`)
	instanceRE     = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)
	instanceTypeRE = regexp.MustCompile(`^[a-z][a-z0-9-]*\.[a-z0-9-]+$`)
	profileRE      = regexp.MustCompile(`^(arn:aws[a-z-]*:iam::\d{12}:instance-profile/)?[\w+=,.@/-]{1,128}$`)
	// tagRE does not count: that many copies of Unicode's classes take 9 MB.
	tagRE = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
)

// How many characters AWS allows in a tag.
const (
	maxTagKey   = 128
	maxTagValue = 256
)

func tagAllowed(key, value string) bool {
	return key != "" && utf8.RuneCountInString(key) <= maxTagKey && utf8.RuneCountInString(value) <= maxTagValue &&
		tagRE.MatchString(key) && tagRE.MatchString(value)
}

// Methods that a route test may use: those that AWS allows in a route key.
var Methods = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"}

// Validate checks what can be known without asking AWS. Field paths begin with "spec.".
func (s Spec) Validate() error {
	var v Invalid
	switch s.Source {
	case SourceLaunch:
		s.validateLaunch(&v)
	case SourceInstances:
		s.validateInstances(&v)
	default:
		v.Add("spec.source", "%q is not a source; use %q for new instances or %q for existing ones.", s.Source, SourceLaunch, SourceInstances)
	}
	if s.Port < 1 || s.Port > 65535 {
		v.Add("spec.port", "%d is not a port; use the one that your app listens on, 1 to 65535.", s.Port)
	}
	if why := pathProblem(s.HealthPath); why != "" {
		v.Add("spec.health_path", "%s", why)
	}
	s.validateTests(&v)
	s.validateTags(&v)
	switch {
	case s.Schedule == nil:
	case s.Source == SourceInstances:
		v.Add("spec.schedule", "Leave this out: the backend runs on existing instances, which Drawbridge never stops or starts.")
	default:
		s.Schedule.validate(&v)
	}
	return v.Err()
}

func (s Spec) validateLaunch(v *Invalid) {
	l := s.Launch
	if l == nil {
		v.Add("spec.launch", "Describe the instances to launch.")
		return
	}
	if s.Instances != nil {
		v.Add("spec.instances", "Leave this out: the source is %q.", s.Source)
	}
	if l.AMI != "" && !amiRE.MatchString(l.AMI) {
		v.Add("spec.launch.ami", "%q is not an AMI id; write it as in ami-0a1b2c3d4e5f67890, or leave it empty for Amazon Linux 2023.", l.AMI)
	}
	if !instanceTypeRE.MatchString(l.InstanceType) {
		v.Add("spec.launch.instance_type", "%q is not an instance type; write it as in t3.micro.", l.InstanceType)
	}
	if l.Count < 1 || l.Count > MaxInstances {
		v.Add("spec.launch.count", "Launch 1 to %d instances.", MaxInstances)
	}
	if len(l.UserData) > MaxUserData {
		v.Add("spec.launch.user_data", "The user data has %d bytes; AWS allows %d.", len(l.UserData), MaxUserData)
	}
	if l.UserData != "" && !strings.HasPrefix(l.UserData, "#!") && !strings.HasPrefix(l.UserData, "#cloud-config") && !strings.HasPrefix(l.UserData, "Content-Type: multipart") {
		v.Add("spec.launch.user_data", "Begin with #! and an interpreter, or with #cloud-config: cloud-init ignores anything else.")
	}
	if !utf8.ValidString(l.UserData) || strings.ContainsRune(l.UserData, 0) {
		v.Add("spec.launch.user_data", "Use plain UTF-8 text without NUL characters.")
	}
	if l.InstanceProfile != "" && !profileRE.MatchString(l.InstanceProfile) {
		v.Add("spec.launch.instance_profile", "%q is neither the name nor the ARN of an instance profile.", l.InstanceProfile)
	}
}

func (s Spec) validateInstances(v *Invalid) {
	in := s.Instances
	if s.Launch != nil {
		v.Add("spec.launch", "Leave this out: the source is %q.", s.Source)
	}
	if in == nil || len(in.IDs) == 0 {
		v.Add("spec.instances.ids", "Name at least one instance of the environment's VPC.")
		return
	}
	if len(in.IDs) > MaxInstances {
		v.Add("spec.instances.ids", "Name at most %d instances.", MaxInstances)
	}
	seen := map[string]bool{}
	for _, id := range in.IDs {
		if !instanceRE.MatchString(id) {
			v.Add("spec.instances.ids", "%q is not an instance id; write it as in i-0a1b2c3d4e5f67890.", id)
		}
		if seen[id] {
			v.Add("spec.instances.ids", "%s is named twice.", id)
		}
		seen[id] = true
	}
}

func (s Spec) validateTests(v *Invalid) {
	if len(s.Tests) > MaxTests {
		v.Add("spec.tests", "Keep at most %d route tests.", MaxTests)
	}
	names := map[string]bool{}
	for i, t := range s.Tests {
		at := fmt.Sprintf("spec.tests[%d]", i)
		t.validate(at, v)
		if names[t.Name] {
			v.Add(at+".name", "There are two tests named %q.", t.Name)
		}
		names[t.Name] = true
	}
}

func (s Spec) validateTags(v *Invalid) {
	if len(s.Tags) > 40 {
		v.Add("spec.tags", "Keep at most 40 tags: AWS allows 50 per resource, and Drawbridge adds its own.")
	}
	for k, val := range s.Tags {
		switch {
		case !tagAllowed(k, val):
			v.Add("spec.tags", "AWS refuses the tag %q: use letters, spaces, digits and _.:/=+-@, 128 for the key and 256 for the value.", k)
		case strings.HasPrefix(strings.ToLower(k), "aws:"), strings.HasPrefix(k, "drawbridge:"), k == "Name":
			v.Add("spec.tags", "The tag %q is reserved; choose another key.", k)
		}
	}
}

// pathProblem says why p cannot be the path of a request, or "".
func pathProblem(p string) string {
	switch {
	case p == "":
		return "Give a path, beginning with /."
	case !strings.HasPrefix(p, "/"):
		return fmt.Sprintf("Begin the path with /, as in /%s.", p)
	case len(p) > 1024:
		return "Keep the path under 1,024 characters."
	}
	for _, r := range p {
		if r <= ' ' || r == 0x7f || r == '#' {
			return "Percent-encode spaces, # and control characters in the path."
		}
	}
	if _, err := url.ParseRequestURI(p); err != nil {
		return "This is not a path that a browser could ask for; check its percent-encodings."
	}
	return ""
}
