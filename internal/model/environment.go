package model

import (
	"net/url"
	"regexp"
	"time"
)

// Credentials says where an environment's AWS credentials come from. They are
// never stored.
type Credentials string

const (
	// CredentialsDefault is the SDK's default chain (environment, shared
	// config, container, instance profile).
	CredentialsDefault Credentials = "default"
	// CredentialsLocal are fixed keys of no value, accepted only together
	// with an Endpoint on loopback.
	CredentialsLocal Credentials = "local"
)

// Environment is a place to provision in: one account, region and VPC.
type Environment struct {
	ID          string      `json:"id"`
	Name        string      `json:"name"`
	Description string      `json:"description"`
	Region      string      `json:"region"`
	VPCID       string      `json:"vpc_id"`
	SubnetIDs   []string    `json:"subnet_ids"`         // two or more private subnets in different AZs
	Endpoint    string      `json:"endpoint,omitempty"` // custom endpoint for every service; "" = AWS
	Credentials Credentials `json:"credentials"`
	RoleARN     string      `json:"role_arn,omitempty"`    // assumed when set
	ExternalID  string      `json:"external_id,omitempty"` // for AssumeRole
	// How long its sandboxes live unless they say otherwise, and at most; 0 =
	// the installation's default.
	SandboxTTL    time.Duration `json:"-"`
	SandboxMaxTTL time.Duration `json:"-"`
	// Orphans is how many the newest look found, at OrphansAt (zero: nobody looked).
	Orphans   int       `json:"orphans"`
	OrphansAt time.Time `json:"orphans_at,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// Subnet is what Drawbridge knows of one subnet of an environment.
type Subnet struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	AZ      string `json:"availability_zone"`
	CIDR    string `json:"cidr"`
	FreeIPs int    `json:"free_ips"`
}

// EnvironmentStatus is the result of asking an environment whether it answers.
type EnvironmentStatus struct {
	Answers   bool      `json:"answers"`
	Account   string    `json:"account,omitempty"`
	VPCName   string    `json:"vpc_name,omitempty"`
	Subnets   []Subnet  `json:"subnets,omitempty"`
	Problem   *Problem  `json:"problem,omitempty"` // when it does not answer, or its VPC or subnets are unfit
	Seconds   float64   `json:"seconds"`
	CheckedAt time.Time `json:"checked_at"`
}

// Instance is an existing instance that a backend may reference.
type Instance struct {
	ID               string   `json:"id"`
	Name             string   `json:"name"`
	State            string   `json:"state"` // AWS's word: "running"
	Type             string   `json:"type"`
	VPCID            string   `json:"vpc_id"`
	SubnetID         string   `json:"subnet_id"`
	AZ               string   `json:"availability_zone"`
	PrivateIP        string   `json:"private_ip"`
	SecurityGroupIDs []string `json:"security_group_ids"`
}

var (
	vpcRE    = regexp.MustCompile(`^vpc-[0-9a-f]{8,17}$`)
	subnetRE = regexp.MustCompile(`^subnet-[0-9a-f]{8,17}$`)
	regionRE = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
)

// Validate checks what can be known without asking AWS.
func (e *Environment) Validate() error {
	var v Invalid
	if e.Name == "" || len(e.Name) > 64 {
		v.Add("name", "Give the environment a name of 1 to 64 characters.")
	}
	if !regionRE.MatchString(e.Region) {
		v.Add("region", "%q is not an AWS Region; write it as in ap-northeast-1.", e.Region)
	}
	if !vpcRE.MatchString(e.VPCID) {
		v.Add("vpc_id", "%q is not a VPC id; write it as in vpc-0a1b2c3d4e5f67890.", e.VPCID)
	}
	if len(e.SubnetIDs) < 2 {
		v.Add("subnet_ids", "Name two or more private subnets in different Availability Zones: an Application Load Balancer needs two.")
	}
	seen := map[string]bool{}
	for _, id := range e.SubnetIDs {
		if !subnetRE.MatchString(id) {
			v.Add("subnet_ids", "%q is not a subnet id; write it as in subnet-0a1b2c3d4e5f67890.", id)
		}
		if seen[id] {
			v.Add("subnet_ids", "%s is named twice.", id)
		}
		seen[id] = true
	}
	if e.SandboxTTL < 0 || e.SandboxMaxTTL < 0 || e.SandboxMaxTTL > 0 && e.SandboxTTL > e.SandboxMaxTTL {
		v.Add("sandbox_ttl", "Let sandboxes live for at most %s by default: that is their maximum here.", TTLText(e.SandboxMaxTTL))
	}
	switch e.Credentials {
	case CredentialsDefault:
	case CredentialsLocal:
		if !e.loopbackEndpoint() {
			v.Add("credentials", "The fixed local keys go only with an endpoint on 127.0.0.1, ::1 or localhost.")
		}
	default:
		v.Add("credentials", "%q is not a source of credentials; use %q.", e.Credentials, CredentialsDefault)
	}
	return v.Err()
}

func (e *Environment) loopbackEndpoint() bool {
	u, err := url.Parse(e.Endpoint)
	if err != nil {
		return false
	}
	switch u.Hostname() {
	case "127.0.0.1", "::1", "localhost":
		return true
	}
	return false
}
