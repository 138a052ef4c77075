package model

import "fmt"

// MaxQuota is the largest limit that can be set.
const MaxQuota = 1_000_000

// Quota is what a team may have at most; 0 means no limit.
type Quota struct {
	Backends  int `json:"backends"`
	Instances int `json:"instances"`
	Sandboxes int `json:"sandboxes"`
	// SandboxesEach is how many of the team's sandboxes one person has.
	SandboxesEach int `json:"sandboxes_each"`
	// MonthlyUSD is the budget: what it costs a month at list prices.
	MonthlyUSD USD `json:"monthly_usd"`
}

// Bounds tells whether the limits q say anything about more. Where they do
// not, nobody needs to count what there is.
func (q Quota) Bounds(more Quota) bool {
	return q.Backends > 0 && more.Backends > 0 || q.Instances > 0 && more.Instances > 0 ||
		q.Sandboxes > 0 && more.Sandboxes > 0 || q.SandboxesEach > 0 && more.SandboxesEach > 0 ||
		q.MonthlyUSD > 0 && more.MonthlyUSD > 0
}

// QuotaLimits are a team's own limits; nil takes the installation's default.
type QuotaLimits struct {
	Backends      *int `json:"backends"`
	Instances     *int `json:"instances"`
	Sandboxes     *int `json:"sandboxes"`
	SandboxesEach *int `json:"sandboxes_each"`
	MonthlyUSD    *USD `json:"monthly_usd"`
}

// each pairs the limits with what they limit.
func (l *QuotaLimits) each(q *Quota) map[string]quotaPair {
	return map[string]quotaPair{
		"backends": {l.Backends, &q.Backends}, "instances": {l.Instances, &q.Instances},
		"sandboxes": {l.Sandboxes, &q.Sandboxes}, "sandboxes_each": {l.SandboxesEach, &q.SandboxesEach},
	}
}

// quotaPair is a limit of one's own, nil for none, and where its amount stands.
type quotaPair struct{ own, amount *int }

// Validate refuses limits that make no sense.
func (l QuotaLimits) Validate() error {
	var v Invalid
	for path, pair := range l.each(&Quota{}) {
		if n := pair.own; n != nil && (*n < 0 || *n > MaxQuota) {
			v.Add(path, "Give a number from 0 (no limit) to %d, or none for the installation's default.", MaxQuota)
		}
	}
	if b := l.MonthlyUSD; b != nil && (*b < 0 || *b > MaxQuota*Dollar) {
		v.Add("monthly_usd", "Give a number of dollars from 0 (no limit) to %d, or none for the installation's default.", MaxQuota)
	}
	return v.Err()
}

// Within fills in the defaults.
func (l QuotaLimits) Within(d Quota) Quota {
	for _, pair := range l.each(&d) {
		if pair.own != nil {
			*pair.amount = *pair.own
		}
	}
	if l.MonthlyUSD != nil {
		d.MonthlyUSD = *l.MonthlyUSD
	}
	return d
}

// QuotaUse is what a team has of what it may have. A backend counts from its
// registration until it is destroyed; an instance that Drawbridge launches from
// the moment when its backend's provisioning is queued until then. Existing
// instances that a backend refers to do not count. A sandbox counts from when
// it is made until nothing of it is left, for its team and for the person to
// whom it goes back.
type QuotaUse struct {
	Used    Quota       `json:"used"`
	Allowed Quota       `json:"allowed"` // 0 = no limit
	Own     QuotaLimits `json:"own"`
}

const quotaAdvice = "Destroy a backend that is not needed any more, or ask an admin of this installation to raise the team's quota."

// Findings say why the team may not have that much more; none when it may.
func (u QuotaUse) Findings(team string, more Quota) []Finding {
	var found []Finding
	if over(u.Used.Backends, more.Backends, u.Allowed.Backends) {
		found = append(found, Finding{Severity: SeverityError, Field: "team_id", Advice: quotaAdvice, Message: fmt.Sprintf(
			"The team %s has %d of the %d backends that it may have, and this needs %d more; every backend counts until it is destroyed.",
			team, u.Used.Backends, u.Allowed.Backends, more.Backends)})
	}
	if over(u.Used.Instances, more.Instances, u.Allowed.Instances) {
		found = append(found, Finding{Severity: SeverityError, Field: "spec.launch.count", Advice: quotaAdvice, Message: fmt.Sprintf(
			"The team %s has %d of the %d instances that it may have, and this needs %d more; what is launched counts until its backend is destroyed.",
			team, u.Used.Instances, u.Allowed.Instances, more.Instances)})
	}
	if over(u.Used.Sandboxes, more.Sandboxes, u.Allowed.Sandboxes) {
		found = append(found, Finding{Severity: SeverityError, Field: "team_id", Advice: sandboxAdvice, Message: fmt.Sprintf(
			"The team %s has %d of the %d sandboxes that it may have at once.", team, u.Used.Sandboxes, u.Allowed.Sandboxes)})
	}
	if over(u.Used.SandboxesEach, more.SandboxesEach, u.Allowed.SandboxesEach) {
		found = append(found, Finding{Severity: SeverityError, Field: "team_id", Advice: sandboxAdvice, Message: fmt.Sprintf(
			"You have %d of the %d sandboxes that one person may have at once in the team %s.", u.Used.SandboxesEach, u.Allowed.SandboxesEach, team)})
	}
	if b := u.Allowed.MonthlyUSD; b > 0 && more.MonthlyUSD > 0 && u.Used.MonthlyUSD+more.MonthlyUSD > b {
		found = append(found, Finding{Severity: SeverityError, Field: "spec.launch.instance_type", Advice: budgetAdvice, Message: fmt.Sprintf(
			"The team %s has spent %s of its budget of %s a month, at list prices, and this costs %s more.",
			team, u.Used.MonthlyUSD, b, more.MonthlyUSD)})
	}
	return found
}

// Near says what of the quota is nearly used up with that much more, and was
// not before: each limit is told of once on its way up. Nine tenths are near.
func (u QuotaUse) Near(more Quota) []string {
	var told []string
	near := func(used, allowed int64) bool { return allowed > 0 && used*10 >= allowed*9 }
	for _, x := range []struct {
		used, more, allowed int
		what                string
	}{
		{u.Used.Backends, more.Backends, u.Allowed.Backends, "backends"},
		{u.Used.Instances, more.Instances, u.Allowed.Instances, "instances"},
		{u.Used.Sandboxes, more.Sandboxes, u.Allowed.Sandboxes, "sandboxes"},
	} {
		if near(int64(x.used+x.more), int64(x.allowed)) && !near(int64(x.used), int64(x.allowed)) {
			told = append(told, fmt.Sprintf("%d of %d %s", x.used+x.more, x.allowed, x.what))
		}
	}
	with, budget := u.Used.MonthlyUSD+more.MonthlyUSD, u.Allowed.MonthlyUSD
	if near(int64(with), int64(budget)) && !near(int64(u.Used.MonthlyUSD), int64(budget)) {
		told = append(told, fmt.Sprintf("%s of the budget of %s a month", with, budget))
	}
	return told
}

const sandboxAdvice = "End one that is not needed any more, or ask an admin of this installation to raise the team's quota."

const budgetAdvice = "Destroy a backend that is not needed any more, choose a smaller instance type or a sleep schedule, or ask an admin of this installation to raise the team's budget."

func over(used, more, allowed int) bool { return allowed > 0 && more > 0 && used+more > allowed }
