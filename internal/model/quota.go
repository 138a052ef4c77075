package model

import "fmt"

// MaxQuota is the largest limit that can be set.
const MaxQuota = 1_000_000

// Quota is what a team may have at most; 0 means no limit.
type Quota struct {
	Backends  int `json:"backends"`
	Instances int `json:"instances"`
}

// QuotaLimits are a team's own limits; nil takes the installation's default.
type QuotaLimits struct {
	Backends  *int `json:"backends"`
	Instances *int `json:"instances"`
}

// Validate refuses limits that make no sense.
func (l QuotaLimits) Validate() error {
	var v Invalid
	for path, n := range map[string]*int{"backends": l.Backends, "instances": l.Instances} {
		if n != nil && (*n < 0 || *n > MaxQuota) {
			v.Add(path, "Give a number from 0 (no limit) to %d, or none for the installation's default.", MaxQuota)
		}
	}
	return v.Err()
}

// Within fills in the defaults.
func (l QuotaLimits) Within(d Quota) Quota {
	if l.Backends != nil {
		d.Backends = *l.Backends
	}
	if l.Instances != nil {
		d.Instances = *l.Instances
	}
	return d
}

// QuotaUse is what a team has of what it may have. A backend counts from its
// registration until it is destroyed; an instance that Drawbridge launches from
// the moment when its backend's provisioning is queued until then. Existing
// instances that a backend refers to do not count.
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
	return found
}

func over(used, more, allowed int) bool { return allowed > 0 && more > 0 && used+more > allowed }
