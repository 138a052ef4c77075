// Package app configures, wires and runs Drawbridge: it is the only package
// that knows all the others.
package app

import (
	"time"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// Config is what cmd/server gathers from flags, environment and file.
type Config struct {
	Listen       string // host:port of panel and API
	DataDir      string // SQLite file and the simulator's state
	Database     string // "" = SQLite in DataDir, else postgres://…
	Metrics      string // host:port of Prometheus's scrapes; "" = none
	OTLP         string // URL of the OpenTelemetry collector of traces; "" = none
	Secure       bool   // the panel is reached over TLS (a proxy ends it): Secure cookies
	Access       AccessConfig
	Sim          SimConfig
	Environments []model.Environment // upserted by name at start
	Lease        time.Duration       // of a job; 0 = 6 s on PostgreSQL, the worker's default on SQLite
	AWSRates     float64             // AWS's documented call rates times this; 0 = 1
	Now          func() time.Time    // the process's clock; nil = time.Now
	TeamLimits   model.Quota         // of teams without a quota of their own; 0 = no limit
	SandboxTTL   time.Duration       // of sandboxes whose environment does not say; 0 = the model's
	SandboxMax   time.Duration       // at most; 0 = the model's
	Prices       string              // file with prices that go before the built-in ones; "" = none
	APIRate      int                 // REST requests a minute of one caller; 0 = no limit
	Webhooks     WebhookConfig
	Version      string
}

// SimConfig configures the embedded simulated AWS.
type SimConfig struct {
	Off         bool
	Listen      string // host:port; loopback unless AllowRemote
	Profile     string // instant, demo, real, also with a factor
	AllowRemote bool
	Secret      string                   // of every access key; "" = signatures are not checked
	CallLog     string                   // file for a JSON line per call; "" = none
	Times       map[string]time.Duration // in place of the profile's; see awssim.Durations
	Switches    awssim.Switches          // what else AWS does
}
