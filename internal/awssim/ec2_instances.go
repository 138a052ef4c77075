package awssim

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

type instance struct {
	ID            string
	ReservationID string
	ImageID       string
	Arch          string
	Type          string
	SubnetID      string
	VPCID         string
	Zone          string
	IP            string
	Groups        []string
	UserData      string // decoded
	Profile       string // ARN of the instance profile
	HTTPTokens    string
	HopLimit      int
	VolumeType    string `json:",omitempty"` // of earlier versions, as VolumeSize, Encrypted and VolumeTags: see rootVolume
	VolumeSize    int    `json:",omitempty"`
	Encrypted     bool   `json:",omitempty"`
	ClientToken   string
	Fingerprint   string // of the request, to tell a repeated one from another
	LaunchIndex   int
	LaunchedAt    time.Time // or started again
	StoppedAt     time.Time // zero = not stopped
	OneBoot       bool      // its app runs until the first stop
	Restarted     bool      // it has been stopped and started
	TerminatedAt  time.Time
	Credits       string // "unlimited" or "standard"
	Shutdown      string // instanceInitiatedShutdownBehavior
	NoStop        bool   // disableApiStop
	NoTermination bool   // disableApiTermination
	NoSourceCheck bool
	EBSOptimized  bool
	MetadataTags  bool
	Existing      bool // seeded: was running before the simulation began
	Tags          tags
	VolumeTags    tags `json:",omitempty"`

	Template, TemplateVersion string // launch template that it was made by
}

var instanceID = regexp.MustCompile(`^i-[0-9a-f]{8,17}$`)

// instanceState is a state's number and name.
type instanceState struct {
	code int
	name string
}

func (i *instance) stateAt(now time.Time, t timing) instanceState {
	switch {
	case !i.TerminatedAt.IsZero() && !now.Before(i.TerminatedAt.Add(t.instanceStop)):
		return instanceState{48, "terminated"}
	case !i.TerminatedAt.IsZero():
		return instanceState{32, "shutting-down"}
	case !i.StoppedAt.IsZero() && !now.Before(i.StoppedAt.Add(t.instanceStop)):
		return instanceState{80, "stopped"}
	case !i.StoppedAt.IsZero():
		return instanceState{64, "stopping"}
	case i.Existing || !now.Before(i.LaunchedAt.Add(t.instanceStart)):
		return instanceState{16, "running"}
	}
	return instanceState{0, "pending"}
}

func (i *instance) runningAt(now time.Time, t timing) bool {
	return i.stateAt(now, t).name == "running"
}

// bootedAt says whether the instance has done what it does at a boot.
func (i *instance) bootedAt(now time.Time, t timing) bool {
	return i.runningAt(now, t) && (i.Existing || !now.Before(i.LaunchedAt.Add(t.instanceStart+t.appStart)))
}

// listeningAt says whether the app of the instance has been started.
func (i *instance) listeningAt(now time.Time, t timing) bool {
	return i.bootedAt(now, t) && !(i.OneBoot && i.Restarted)
}

// forgottenAt says whether a terminated instance is no longer listed.
func (i *instance) forgottenAt(now time.Time, t timing) bool {
	return !i.TerminatedAt.IsZero() && !now.Before(i.TerminatedAt.Add(t.instanceStop+t.terminatedVisible))
}

var userDataPort = regexp.MustCompile(`(?i)\bport\s*=\s*["']?(\d{1,5})\b`)

// defaultAppPort is the article's.
const defaultAppPort = 8000

// appPort is the port that the user data names, as in port=8000.
func (i *instance) appPort() int {
	if m := userDataPort.FindStringSubmatch(i.UserData); m != nil {
		if p, err := strconv.Atoi(m[1]); err == nil && p > 0 && p < 65536 {
			return p
		}
	}
	return defaultAppPort
}

// privateName is the host name that EC2 gives an address.
func (s *Sim) privateName(ip string) string {
	domain := s.region + ".compute.internal"
	if s.region == "us-east-1" {
		domain = "ec2.internal"
	}
	return "ip-" + strings.ReplaceAll(ip, ".", "-") + "." + domain
}

func (c *call) instance(id string) (*instance, error) {
	if !instanceID.MatchString(id) {
		return nil, wire.BadRequest("InvalidInstanceID.Malformed", "Invalid id: \"%s\"", id)
	}
	i, ok := found(c.Sim, c.st.instances, id, c.now)
	if !ok {
		return nil, notFound("InvalidInstanceID.NotFound", "instance")(id)
	}
	return i, nil
}

func (c *call) describeInstanceRows(keep func(*instance) bool) ([]*instance, []wire.Node, error) {
	return describe[instance]{
		idParam: "InstanceId", rows: c.st.instances.list(keep), missing: notFound("InvalidInstanceID.NotFound", "instance"),
		id: func(r *instance) string { return r.ID }, tags: func(r *instance) tags { return merged(r.Tags, r.systemTags()) }, attr: c.instanceAttr,
		xml: c.instanceXML,
	}.run(c)
}

func (c *call) instanceAttr(r *instance, name string) ([]string, bool) {
	switch name {
	case "instance-id":
		return one(r.ID)
	case "instance-state-name":
		return one(r.stateAt(c.now, c.t).name)
	case "instance-state-code":
		return one(strconv.Itoa(r.stateAt(c.now, c.t).code))
	case "instance-type":
		return one(r.Type)
	case "image-id":
		return one(r.ImageID)
	case "vpc-id":
		return one(r.VPCID)
	case "subnet-id":
		return one(r.SubnetID)
	case "availability-zone":
		return one(r.Zone)
	case "private-ip-address":
		return one(r.IP)
	case "private-dns-name":
		return one(c.privateName(r.IP))
	case "client-token":
		return one(r.ClientToken)
	case "reservation-id":
		return one(r.ReservationID)
	case "group-id", "instance.group-id":
		return r.Groups, true
	case "architecture":
		return one(r.Arch)
	case "iam-instance-profile.arn":
		return one(r.Profile)
	}
	return nil, false
}

func describeInstances(c *call) ([]wire.Node, error) {
	page, next, err := c.describeInstanceRows(nil)
	if err != nil {
		return nil, err
	}
	var reservations [][]*instance
	for _, i := range page {
		at := slices.IndexFunc(reservations, func(r []*instance) bool { return r[0].ReservationID == i.ReservationID })
		if at < 0 {
			reservations = append(reservations, []*instance{i})
		} else {
			reservations[at] = append(reservations[at], i)
		}
	}
	set := wire.List("reservationSet", "item", reservations, c.reservationXML)
	return append([]wire.Node{set}, next...), nil
}

func (c *call) reservationXML(r []*instance) []wire.Node {
	return []wire.Node{wire.Str("reservationId", r[0].ReservationID), wire.Str("ownerId", c.account), wire.Node{Name: "groupSet"},
		wire.List("instancesSet", "item", r, c.instanceXML)}
}

func (c *call) instanceXML(i *instance) []wire.Node {
	st := i.stateAt(c.now, c.t)
	out := []wire.Node{wire.Str("instanceId", i.ID), wire.Str("imageId", i.ImageID), stateXML("instanceState", st),
		wire.Str("instanceType", i.Type), wire.Time("launchTime", i.LaunchedAt), wire.Int("amiLaunchIndex", i.LaunchIndex),
		wire.El("placement", wire.Str("availabilityZone", i.Zone), wire.Str("groupName", ""), wire.Str("tenancy", "default")),
		wire.El("monitoring", wire.Str("state", "disabled")), wire.Str("architecture", i.Arch),
		wire.Str("rootDeviceType", "ebs"), wire.Str("rootDeviceName", rootDevice), wire.Str("virtualizationType", "hvm"),
		wire.Str("hypervisor", "xen"), wire.Str("clientToken", i.ClientToken), wire.Bool("ebsOptimized", i.EBSOptimized),
		metadataXML("metadataOptions", i), wire.Node{Name: "productCodes"}}
	all := merged(i.Tags, i.systemTags())
	out = append(out, wire.Optional(len(all) > 0, ec2Tags(all))...)
	out = append(out, c.hardwareXML(i)...)
	out = append(out, wire.Optional(i.Profile != "", wire.El("iamInstanceProfile", wire.Str("arn", i.Profile), wire.Str("id", c.profileID(i.Profile))))...)
	if ended := later(i.StoppedAt, i.TerminatedAt); !ended.IsZero() {
		out = append(out, wire.Str("reason", "User initiated ("+ended.UTC().Format("2006-01-02 15:04:05")+" GMT)"),
			wire.El("stateReason", wire.Str("code", "Client.UserInitiatedShutdown"), wire.Str("message", "Client.UserInitiatedShutdown: User initiated shutdown")))
	} else {
		out = append(out, wire.Str("reason", ""))
	}
	if st.name == "terminated" {
		return out
	}
	nics := c.interfacesOf(i.ID)
	for _, e := range nics {
		if a := c.addressOf(e.ID); a != nil {
			out = append(out, wire.Str("ipAddress", a.IP), wire.Str("dnsName", c.publicName(a.IP)))
		}
	}
	return append(out, wire.Str("subnetId", i.SubnetID), wire.Str("vpcId", i.VPCID), wire.Str("privateIpAddress", i.IP),
		wire.Str("privateDnsName", c.privateName(i.IP)), wire.Bool("sourceDestCheck", !i.NoSourceCheck), c.groupSet(i.Groups),
		wire.List("networkInterfaceSet", "item", nics, c.interfaceXML),
		wire.List("blockDeviceMapping", "item", c.volumesOf(i), func(v *volume) []wire.Node {
			return []wire.Node{wire.Str("deviceName", v.Device), wire.El("ebs", wire.Str("volumeId", v.ID), wire.Str("status", "attached"),
				wire.Time("attachTime", v.CreatedAt), wire.Bool("deleteOnTermination", !v.Keep))}
		}))
}

func stateXML(name string, st instanceState) wire.Node {
	return wire.El(name, wire.Int("code", st.code), wire.Str("name", st.name))
}

func describeInstanceStatus(c *call) ([]wire.Node, error) {
	all := c.q.Bool("IncludeAllInstances", false)
	named := c.q.List("InstanceId")
	page, next, err := c.describeInstanceRows(func(i *instance) bool {
		return all || i.runningAt(c.now, c.t) || slices.Contains(named, i.ID)
	})
	if err != nil {
		return nil, err
	}
	page = slices.DeleteFunc(page, func(i *instance) bool { return !all && !i.runningAt(c.now, c.t) })
	set := wire.List("instanceStatusSet", "item", page, func(i *instance) []wire.Node {
		status, detail := "not-applicable", "not-applicable"
		if i.runningAt(c.now, c.t) {
			status, detail = "initializing", "initializing"
		}
		if i.bootedAt(c.now, c.t) {
			status, detail = "ok", "passed"
		}
		check := func(name string) wire.Node {
			return wire.El(name, wire.Str("status", status), wire.El("details", wire.El("item", wire.Str("name", "reachability"), wire.Str("status", detail))))
		}
		return []wire.Node{wire.Str("instanceId", i.ID), wire.Str("availabilityZone", i.Zone),
			stateXML("instanceState", i.stateAt(c.now, c.t)), check("systemStatus"), check("instanceStatus")}
	})
	return append([]wire.Node{set}, next...), nil
}

// terminateInstances may be repeated: a second time changes nothing.
func terminateInstances(c *call) ([]wire.Node, error) {
	var all []*instance
	for _, id := range c.q.List("InstanceId") {
		i, err := c.instance(id)
		if err != nil {
			return nil, err
		}
		if i.NoTermination && i.TerminatedAt.IsZero() {
			return nil, wire.BadRequest("OperationNotPermitted", "The instance '%s' may not be terminated. Modify its 'disableApiTermination' instance attribute and try again.", id)
		}
		all = append(all, i)
	}
	if len(all) == 0 {
		return nil, wire.BadRequest("MissingParameter", "The request must contain the parameter InstanceId")
	}
	if err := c.dryRun(); err != nil {
		return nil, err
	}
	before := map[string]instanceState{}
	for _, i := range all {
		before[i.ID] = i.stateAt(c.now, c.t)
		if !i.TerminatedAt.IsZero() {
			continue
		}
		i.TerminatedAt = c.now
		if err := c.st.instances.put(i); err != nil {
			return nil, err
		}
		if err := c.releaseInterfaces(i.ID, c.now.Add(c.t.instanceStop)); err != nil {
			return nil, err
		}
	}
	return c.stateChanges(all, before), nil
}

func getConsoleOutput(c *call) ([]wire.Node, error) {
	i, err := c.instance(c.q.Str("InstanceId"))
	if err != nil {
		return nil, err
	}
	var b strings.Builder
	if i.runningAt(c.now, c.t) {
		b.WriteString("Amazon Linux 2023\n" + strings.Split(c.privateName(i.IP), ".")[0] + " login: cloud-init[1702]: running modules:final\n")
	}
	if i.listeningAt(c.now, c.t) {
		b.WriteString("cloud-init[1702]:  * Running on http://" + i.IP + ":" + strconv.Itoa(i.appPort()) + "\n")
	}
	return []wire.Node{wire.Str("instanceId", i.ID), wire.Time("timestamp", c.now),
		wire.Str("output", base64.StdEncoding.EncodeToString([]byte(b.String())))}, nil
}
