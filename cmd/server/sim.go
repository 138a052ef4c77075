package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/app"
	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

type simCmd struct {
	DataDir string `help:"Folder of the simulator's state; empty = in memory." placeholder:"DIR"`
	simFlags
	SimSecret  string `help:"Secret of every access key; with it signatures are checked." placeholder:"SECRET"`
	SimCallLog string `help:"File that gets a JSON line for every call of AWS's API." placeholder:"FILE"`

	SimDuration map[string]time.Duration `help:"Durations in place of the profile's, as load-balancer=150s;call-min=60ms;call-max=120ms. Their names are in docs/simulator.md." placeholder:"NAME=DURATION;…"`
	switchFlags
}

// switchFlags turn on what AWS does at times. They can be changed later at
// PUT /_awssim/switches.
type switchFlags struct {
	SimThrottle       bool                `help:"Throttle calls as AWS documents it, for each account and Region."`
	SimQuotas         int                 `help:"Multiply the quotas that AWS raises on request." default:"1" placeholder:"N"`
	SimVisibility     time.Duration       `help:"For how long a service does not find what it has just made." placeholder:"DURATION"`
	SimVisibilityOf   []string            `help:"Services that this is for: ec2, elbv2, apigatewayv2, iam; default all of them." placeholder:"SERVICE,…"`
	SimWriteConflicts bool                `help:"Refuse a write to an HTTP API while another is under way."`
	SimNoCapacity     []string            `help:"Where instances of a type cannot be had; * for all." placeholder:"ZONE:TYPE,…"`
	SimZone           map[string]string   `help:"Availability Zones of a Region and their ids; naming one replaces all of its Region." placeholder:"us-east-1a=use1-az3;…"`
	SimLinkZones      map[string][]string `help:"Zone ids of a Region in which VPC links can be made." placeholder:"us-east-1=use1-az1,use1-az2;…"`
	SimVCPUs          int                 `name:"sim-vcpus" help:"Quota of vCPUs that run at once in a Region; 0 = none." placeholder:"N"`
	factFlags
}

// factFlags choose where what is known of AWS is open.
type factFlags struct {
	SimRefusePendingLink          bool           `help:"Refuse an integration while its VPC link is PENDING."`
	SimRefuseProvisioningBalancer bool           `help:"Refuse a listener while its load balancer is provisioning."`
	SimTooLargeText               string         `help:"Message of an HTTP API's 413." default:"Request Entity Too Large" placeholder:"TEXT"`
	SimTooManyText                string         `help:"Message of an HTTP API's 429." default:"Too Many Requests" placeholder:"TEXT"`
	SimAutoDeployTokens           bool           `help:"Automatic deployments take tokens of CreateDeployment; needs --sim-throttle."`
	SimAutoDeployDelay            time.Duration  `help:"How long it takes until requests see an automatic deployment." placeholder:"DURATION"`
	SimRemapHeaders               bool           `help:"Rename Date, Server and WWW-Authenticate of apps, as REST APIs do."`
	SimEC2Status                  map[string]int `name:"sim-ec2-status" help:"Other HTTP statuses for error codes of EC2." placeholder:"CODE=STATUS;…"`
	SimTimeoutStatus              int            `help:"What an HTTP API answers when an integration takes too long: 503 or 504." default:"503" placeholder:"STATUS"`
	SimTwoSubnetsCode             string         `help:"Error code of a load balancer in one zone: ValidationError or InvalidConfigurationRequest." default:"ValidationError" placeholder:"CODE"`
}

func (f factFlags) openFacts() awssim.OpenFacts {
	return awssim.OpenFacts{RefusePendingLink: f.SimRefusePendingLink, RefuseProvisioningBalancer: f.SimRefuseProvisioningBalancer,
		TooLargeText: f.SimTooLargeText, TooManyText: f.SimTooManyText, AutoDeployTokens: f.SimAutoDeployTokens, AutoDeployDelay: f.SimAutoDeployDelay,
		RemapHeaders: f.SimRemapHeaders, EC2Statuses: f.SimEC2Status, TimeoutStatus: f.SimTimeoutStatus, TwoSubnetsCode: f.SimTwoSubnetsCode}
}

func (f switchFlags) switches() (awssim.Switches, error) {
	w := awssim.Switches{Throttle: f.SimThrottle, Quotas: f.SimQuotas, Visibility: f.SimVisibility, VisibilityOf: f.SimVisibilityOf, WriteConflicts: f.SimWriteConflicts,
		LinkZones: f.SimLinkZones, VCPUs: f.SimVCPUs, OpenFacts: f.openFacts()}
	for _, text := range f.SimNoCapacity {
		s, err := awssim.ParseShortage(text)
		if err != nil {
			return w, model.Errorf(model.CodeInvalid, "--sim-no-capacity cannot be read: %s.", err)
		}
		w.NoCapacity = append(w.NoCapacity, s)
	}
	for _, name := range slices.Sorted(maps.Keys(f.SimZone)) {
		region := strings.TrimRight(name, "abcdefghijklmnopqrstuvwxyz")
		if w.Zones == nil {
			w.Zones = map[string]map[string]string{}
		}
		if w.Zones[region] == nil {
			w.Zones[region] = map[string]string{}
		}
		w.Zones[region][name] = f.SimZone[name]
	}
	return w, nil
}

// Run serves the simulated AWS alone until ctx ends.
func (c *simCmd) Run(ctx context.Context, logger *slog.Logger) error {
	collectGarbageAt(simGC)
	cfg := c.config()
	cfg.Secret, cfg.CallLog, cfg.Times = c.SimSecret, c.SimCallLog, c.SimDuration
	var err error
	if cfg.Switches, err = c.switches(); err != nil {
		return err
	}
	s, err := app.NewSim(cfg, c.DataDir, logger)
	if err != nil {
		return err
	}
	secret := "local"
	if c.SimSecret != "" {
		secret = "(the secret)"
	}
	fmt.Printf("Simulated AWS at %s - region %s, %s, subnets %v, instance %s\n", s.URL(), app.SimRegion, s.World.VPCID, s.World.SubnetIDs, s.World.InstanceID)
	fmt.Printf("  export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=%s\n", s.URL(), app.SimRegion, secret)
	fmt.Printf("  curl %s/_awssim/ tells how to see its calls and state, and how to make calls go wrong\n", s.URL())
	return s.Run(ctx)
}
