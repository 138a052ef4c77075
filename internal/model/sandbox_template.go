package model

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// SandboxTemplate is what sandboxes are made from: a spec in whose texts
// placeholders such as {{branch}} stand for what differs from one to the next.
type SandboxTemplate struct {
	ID            string              `json:"id"`
	TeamID        string              `json:"team_id"` // "" = every team's
	Name          string              `json:"name"`
	Description   string              `json:"description"`
	EnvironmentID string              `json:"environment_id"`
	Spec          Spec                `json:"spec"`
	Parameters    []TemplateParameter `json:"parameters"`
	TTL           time.Duration       `json:"-"`          // 0 = the environment's default
	CreatedBy     string              `json:"created_by"` // the user to whom it goes back
	CreatedAt     time.Time           `json:"created_at"`
	UpdatedAt     time.Time           `json:"updated_at"`
}

// TemplateParameter is a placeholder of the template's own.
type TemplateParameter struct {
	Name        string `json:"name"` // as in {{name}}
	Description string `json:"description,omitempty"`
	Default     string `json:"default,omitempty"` // used when no value is given
	Required    bool   `json:"required"`          // a value must be given, or there must be a default
	Pattern     string `json:"pattern,omitempty"` // regular expression (RE2) that the whole value must fit
}

// Placeholders that every template knows.
const (
	PlaceholderName   = "name"   // the backend's name, made from the branch
	PlaceholderKey    = "key"    // the sandbox's key
	PlaceholderBranch = "branch" // the branch or pull request
)

// Bounds of a template.
const (
	maxTemplateName        = 64
	maxTemplateDescription = 500
	maxParameters          = 20
	maxPattern             = 200
	// MaxSandboxText bounds a key, a branch and a parameter's value, in bytes.
	MaxSandboxText = 255
)

var (
	parameterNameRE = regexp.MustCompile(`^[a-z][a-z0-9_]{0,30}$`)
	placeholderRE   = regexp.MustCompile(`\{\{ *([A-Za-z_][A-Za-z0-9_]*) *\}\}`)
)

// Validate checks what can be known without values and without asking AWS.
func (t *SandboxTemplate) Validate(maxTTL time.Duration) error {
	var v Invalid
	if n := utf8.RuneCountInString(t.Name); strings.TrimSpace(t.Name) == "" || n > maxTemplateName || !plainText(t.Name) {
		v.Add("name", "Give the template a name of 1 to %d characters.", maxTemplateName)
	}
	if utf8.RuneCountInString(t.Description) > maxTemplateDescription || !utf8.ValidString(t.Description) || strings.ContainsRune(t.Description, 0) {
		v.Add("description", "Keep the description under %d characters of plain text.", maxTemplateDescription)
	}
	if t.TTL != 0 {
		v.Join(CheckSandboxTTL("ttl", t.TTL, maxTTL))
	}
	t.validateParameters(&v)
	t.validateSpec(&v)
	return v.Err()
}

// CheckSandboxTTL refuses what no sandbox's life can be.
func CheckSandboxTTL(path string, ttl, most time.Duration) error {
	var v Invalid
	switch {
	case ttl < MinSandboxTTL:
		v.Add(path, "A sandbox lives for a minute at least; write how long, as in 90m, 8h or 2d12h.")
	case ttl > most:
		v.Add(path, "A sandbox of this environment lives for %s at most; ask for that or less.", TTLText(most))
	}
	return v.Err()
}

func (t *SandboxTemplate) validateParameters(v *Invalid) {
	if len(t.Parameters) > maxParameters {
		v.Add("parameters", "Declare at most %d parameters.", maxParameters)
		return
	}
	seen := map[string]bool{PlaceholderName: true, PlaceholderKey: true, PlaceholderBranch: true}
	for i, p := range t.Parameters {
		at := fmt.Sprintf("parameters[%d]", i)
		switch {
		case !parameterNameRE.MatchString(p.Name):
			v.Add(at+".name", "%q is no name of a parameter; use lower-case letters, digits and _, beginning with a letter, 31 at most.", p.Name)
		case seen[p.Name]:
			v.Add(at+".name", "%q is taken: name, key and branch are there by themselves, and no parameter may be declared twice.", p.Name)
		}
		seen[p.Name] = true
		if utf8.RuneCountInString(p.Description) > maxTemplateDescription || !plainText(p.Description) {
			v.Add(at+".description", "Keep the description under %d characters of one line.", maxTemplateDescription)
		}
		if _, err := p.pattern(); err != nil {
			v.Add(at+".pattern", "This is no regular expression of RE2's syntax under %d characters: %s.", maxPattern, err)
			continue
		}
		if why := p.refuse(p.Default); p.Default != "" && why != "" {
			v.Add(at+".default", "%s", why)
		}
	}
}

// pattern is what the whole value must fit; nil for anything.
func (p *TemplateParameter) pattern() (*regexp.Regexp, error) {
	switch {
	case p.Pattern == "":
		return nil, nil
	case len(p.Pattern) > maxPattern:
		return nil, fmt.Errorf("it has %d characters", len(p.Pattern))
	}
	return regexp.Compile(`^(?:` + p.Pattern + `)$`)
}

// refuse says why the value cannot be the parameter's, or "".
func (p *TemplateParameter) refuse(value string) string {
	re, err := p.pattern()
	switch {
	case len(value) > MaxSandboxText || !plainText(value):
		return fmt.Sprintf("Use at most %d bytes of text without control characters for %s.", MaxSandboxText, p.Name)
	case err != nil || re != nil && !re.MatchString(value):
		return fmt.Sprintf("%q does not fit the pattern of %s, %s.", value, p.Name, p.Pattern)
	}
	return ""
}

// validateSpec checks the placeholders, and what stands without any.
func (t *SandboxTemplate) validateSpec(v *Invalid) {
	known := []string{PlaceholderName, PlaceholderKey, PlaceholderBranch}
	for _, p := range t.Parameters {
		known = append(known, p.Name)
	}
	filledIn := map[string]bool{}
	filled := t.Spec.eachText(func(x specText) string {
		for _, m := range placeholderRE.FindAllStringSubmatch(x.text, -1) {
			filledIn[x.path] = true
			if !slices.Contains(known, m[1]) {
				v.Add(x.path, "{{%s}} stands for nothing: declare it as a parameter, or use {{name}}, {{key}} or {{branch}}.", m[1])
			}
		}
		return placeholderRE.ReplaceAllString(x.text, "x1")
	})
	var refused Invalid
	refused.Join(filled.Validate())
	for _, f := range refused.fields {
		if !filledIn[f.Path] { // what a placeholder stands in is known when a sandbox is made
			v.fields = append(v.fields, f)
		}
	}
}

// Values are what a sandbox is made with.
type Values struct {
	Name, Key, Branch string
	Parameters        map[string]string
}

// Fill puts the values in the place of the placeholders; what is refused is
// named as a sandbox's inputs are: "branch", "parameters.size". Nothing that is
// put in is looked at for placeholders again.
func (t *SandboxTemplate) Fill(in Values) (Spec, error) {
	var v Invalid
	values := t.values(in, &v)
	if err := v.Err(); err != nil {
		return Spec{}, err
	}
	spec := t.Spec.eachText(func(x specText) string {
		return placeholderRE.ReplaceAllStringFunc(x.text, func(match string) string {
			name := placeholderRE.FindStringSubmatch(match)[1]
			value := values[name]
			if x.kind == textUserData && !harmless(value) {
				v.Add(inputOf(name), "The template puts %s into its user data as it is, so use letters, digits and . _ / @ : + - there, beginning with a letter or digit. A template that reads $%s from its environment instead takes any text.",
					name, variable(name))
			}
			return x.kind.escape(value)
		})
	})
	for key, value := range spec.Tags {
		if value == "" && t.Spec.Tags[key] != "" {
			delete(spec.Tags, key) // of a branch that was not given: no tag says so better than an empty one
		}
	}
	if l := spec.Launch; l != nil {
		l.UserData = withVariables(l.UserData, values)
	}
	return spec, v.Err()
}

// values are all placeholders' values, with the defaults.
func (t *SandboxTemplate) values(in Values, v *Invalid) map[string]string {
	values := map[string]string{PlaceholderName: in.Name, PlaceholderKey: in.Key, PlaceholderBranch: in.Branch}
	for _, name := range []string{PlaceholderKey, PlaceholderBranch} {
		if len(values[name]) > MaxSandboxText || !plainText(values[name]) {
			v.Add(name, "Use at most %d bytes of text without control characters.", MaxSandboxText)
		}
	}
	declared := map[string]bool{}
	for _, p := range t.Parameters {
		declared[p.Name] = true
		value, given := in.Parameters[p.Name]
		if !given || value == "" {
			value = p.Default
		}
		switch why := p.refuse(value); {
		case value == "" && p.Required:
			v.Add(inputOf(p.Name), "The template %s needs a value for %s.", t.Name, p.Name)
		case value != "" && why != "":
			v.Add(inputOf(p.Name), "%s", why)
		}
		values[p.Name] = value
	}
	for name := range in.Parameters {
		if !declared[name] {
			v.Add(inputOf(name), "The template %s has no parameter of this name.", t.Name)
		}
	}
	return values
}

// inputOf is the path of the input that a placeholder's value comes from.
func inputOf(placeholder string) string {
	switch placeholder {
	case PlaceholderName, PlaceholderKey, PlaceholderBranch:
		return placeholder
	}
	return "parameters." + placeholder
}

// plainText tells whether the text is UTF-8 without control characters.
func plainText(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsControl) < 0
}
