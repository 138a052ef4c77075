package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"drawbridge/internal/app"
	"drawbridge/internal/model"
)

// dataFlags say where the state is.
type dataFlags struct {
	DataDir  string `help:"Folder of the SQLite database and of the simulator's state." default:"./data" placeholder:"DIR"`
	Database string `help:"PostgreSQL instead of SQLite, as postgres://user@host/name." placeholder:"URL"`
}

// simFlags configure the simulated AWS.
type simFlags struct {
	SimListen  string `help:"Where the simulated AWS listens; loopback only, unless --sim-remote." default:"127.0.0.1:8081" placeholder:"HOST:PORT"`
	SimProfile string `help:"How long the simulated AWS takes: instant, demo (a chain in some ten seconds) or real; a factor may follow, as in real/10." default:"demo"`
	SimRemote  bool   `help:"Let the simulated AWS listen on an address that other machines reach. It checks no credentials, unless sim is given --sim-secret."`
}

func (f simFlags) config() app.SimConfig {
	return app.SimConfig{Listen: f.SimListen, Profile: f.SimProfile, AllowRemote: f.SimRemote}
}

// awsFlags describe one environment in AWS. Its credentials come from the
// SDK's default chain and are never stored.
type awsFlags struct {
	AWSName          string   `name:"aws-name" help:"Name of the AWS environment in the panel." default:"aws"`
	AWSRegion        string   `name:"aws-region" help:"Its Region, as ap-northeast-1." placeholder:"REGION"`
	AWSVPC           string   `name:"aws-vpc" help:"Its VPC; naming one adds the environment." placeholder:"VPC-ID"`
	AWSSubnets       []string `name:"aws-subnets" help:"Two or more private subnets of it, in different Availability Zones." placeholder:"SUBNET-ID,…"`
	AWSRoleARN       string   `name:"aws-role-arn" help:"Role to assume in it." placeholder:"ARN"`
	AWSExternalID    string   `name:"aws-external-id" help:"External id that the role demands." placeholder:"ID"`
	AWSSandboxTTL    string   `name:"aws-sandbox-ttl" help:"How long its sandboxes live unless they are asked otherwise; --sandbox-ttl where it is left out." placeholder:"TIME"`
	AWSSandboxMaxTTL string   `name:"aws-sandbox-max-ttl" help:"How long its sandboxes live at most; --sandbox-max-ttl where it is left out." placeholder:"TIME"`
	AWSEndpoint      string   `name:"aws-endpoint" help:"Custom endpoint for every AWS service, for an emulator." placeholder:"URL"`
}

func (f awsFlags) environments() ([]model.Environment, error) {
	if f.AWSVPC == "" && len(f.AWSSubnets) == 0 {
		return nil, nil
	}
	region := f.AWSRegion
	if region == "" {
		region = os.Getenv("AWS_REGION")
	}
	ttl, most, err := sandboxTTLs("aws-sandbox", f.AWSSandboxTTL, f.AWSSandboxMaxTTL)
	if err != nil {
		return nil, err
	}
	env := model.Environment{
		SandboxTTL: ttl, SandboxMaxTTL: most,
		Name: f.AWSName, Description: "AWS by the default credential chain", Region: region, VPCID: f.AWSVPC,
		SubnetIDs: f.AWSSubnets, Credentials: model.CredentialsDefault,
		RoleARN: f.AWSRoleARN, ExternalID: f.AWSExternalID, Endpoint: f.AWSEndpoint,
	}
	if err := env.Validate(); err != nil {
		return nil, fmt.Errorf("the AWS environment is not usable; mend the --aws-… flags: %w", err)
	}
	return []model.Environment{env}, nil
}

// sandboxTTLs reads the flags --<prefix>-ttl and --<prefix>-max-ttl; 0 for one
// that is not given.
func sandboxTTLs(prefix, ttl, most string) (d, m time.Duration, err error) {
	for _, f := range []struct {
		name, text string
		into       *time.Duration
	}{{"--" + prefix + "-ttl", ttl, &d}, {"--" + prefix + "-max-ttl", most, &m}} {
		if f.text == "" {
			continue
		}
		if *f.into, err = model.ParseTTL(f.text); err == nil && *f.into < model.MinSandboxTTL {
			err = model.Errorf(model.CodeInvalid, "Sandboxes live for a minute at least.")
		}
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", f.name, err)
		}
	}
	if m > 0 && d > m {
		return 0, 0, fmt.Errorf("--%s-ttl is longer than --%s-max-ttl", prefix, prefix)
	}
	return d, m, nil
}

type serveCmd struct {
	Listen  string        `help:"Where panel and API listen." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	Metrics string        `name:"metrics-address" help:"Where Prometheus scrapes /metrics; empty = nowhere. Who may reach it may read it." placeholder:"HOST:PORT"`
	OTLP    string        `name:"otlp-endpoint" help:"OpenTelemetry collector that traces are sent to over OTLP/HTTP, as http://127.0.0.1:4318; empty = none." placeholder:"URL"`
	Secure  bool          `help:"The panel is reached over TLS (a proxy ends it): mark its cookies Secure."`
	NoSim   bool          `help:"Do not run the embedded simulated AWS."`
	Lease   time.Duration `help:"How long a job stays with a server that stopped answering; 6s on PostgreSQL, 15s on SQLite." placeholder:"DURATION"`
	dataFlags
	simFlags
	awsFlags
	accessFlags

	TeamMaxBackends   int    `help:"How many backends a team may have that has no quota of its own; 0 = no limit." default:"0" placeholder:"N"`
	TeamMaxInstances  int    `help:"How many launched instances a team may have that has no quota of its own; 0 = no limit." default:"0" placeholder:"N"`
	TeamMaxMonthlyUSD string `name:"team-max-monthly-usd" help:"How many dollars a month the backends of a team may cost, at list prices, that has no quota of its own; 0 = no limit." default:"0" placeholder:"USD"`

	Prices string `help:"File of prices that go before the built-in ones: CSV with region, item, usd, date and source." placeholder:"FILE"`

	TeamMaxSandboxes   int `help:"How many sandboxes at once a team may have that has no quota of its own; 0 = no limit." default:"0" placeholder:"N"`
	PersonMaxSandboxes int `help:"How many sandboxes at once one person may have in a team that has no quota of its own; 0 = no limit." default:"0" placeholder:"N"`

	SandboxTTL    string `name:"sandbox-ttl" help:"How long a sandbox lives unless it is asked otherwise, as 90m, 8h or 2d12h." default:"8h" placeholder:"TIME"`
	SandboxMaxTTL string `name:"sandbox-max-ttl" help:"How long a sandbox lives at most, extended or not." default:"7d" placeholder:"TIME"`

	APIRate int `name:"api-rate" help:"How many REST requests a minute one token may send to this server; 0 = no limit." default:"12000" placeholder:"N"`

	SecretKeyFile   string   `name:"secret-key-file" help:"File with what the secrets of webhooks are encrypted with, at least 32 bytes, the same for all replicas; made in the data directory when not given." placeholder:"FILE"`
	WebhookNetworks []string `name:"webhook-networks" help:"Networks of your own that webhooks may reach though they are not public, on any port, as 10.1.0.0/16." placeholder:"CIDR,…"`

	AWSRates float64 `name:"aws-rates" help:"Multiply AWS's documented call rates: for accounts whose limits were raised." default:"1" placeholder:"FACTOR"`
}

// Run serves until ctx ends, then stops cleanly: running jobs stay resumable.
func (c *serveCmd) Run(ctx context.Context, logger *slog.Logger) error {
	envs, err := c.environments()
	if err != nil {
		return err
	}
	budget, err := model.ParseUSD(c.TeamMaxMonthlyUSD)
	if err != nil {
		return fmt.Errorf("--team-max-monthly-usd: %w", err)
	}
	access, err := c.accessFlags.config()
	if err != nil {
		return err
	}
	cfg := app.Config{
		Listen: c.Listen, DataDir: c.DataDir, Database: c.Database, Metrics: c.Metrics, OTLP: c.OTLP, Secure: c.Secure, Access: access,
		Sim: c.simFlags.config(), Environments: envs, Lease: c.Lease, AWSRates: c.AWSRates, Version: buildVersion(),
		TeamLimits: model.Quota{Backends: c.TeamMaxBackends, Instances: c.TeamMaxInstances, MonthlyUSD: budget, Sandboxes: c.TeamMaxSandboxes, SandboxesEach: c.PersonMaxSandboxes},
		Prices:     c.Prices, APIRate: c.APIRate,
		Webhooks: app.WebhookConfig{KeyFile: c.SecretKeyFile, Networks: c.WebhookNetworks},
	}
	cfg.Sim.Off = c.NoSim
	if cfg.SandboxTTL, cfg.SandboxMax, err = sandboxTTLs("sandbox", c.SandboxTTL, c.SandboxMaxTTL); err != nil {
		return err
	}
	collectGarbageAt(panelGC)
	a, err := app.New(ctx, cfg, logger)
	if err != nil {
		return err
	}
	link, err := a.SignInLink(ctx)
	if err != nil {
		return err
	}
	if link == "" {
		fmt.Printf("Drawbridge is at %s\n", a.URL())
	} else {
		fmt.Printf("Drawbridge is at %s - sign in once, within an hour, with %s\n", a.URL(), link)
	}
	return a.Run(ctx)
}

// Help is shown by serve --help.
func (serveCmd) Help() string {
	return strings.TrimSpace(`
Each flag can be set in the environment as DRAWBRIDGE_<FLAG> (DRAWBRIDGE_LISTEN,
DRAWBRIDGE_DATA_DIR, DRAWBRIDGE_AWS_VPC ...) or in the file named by --config.`)
}
