package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"drawbridge/internal/app"
)

// healthcheckCmd takes the flags of serve that say how the panel is reached on
// this machine, so that in a container the same environment does for both.
type healthcheckCmd struct {
	Listen    string   `help:"Where the panel listens." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	TLSCert   string   `name:"tls-cert" help:"The panel has a certificate: ask it over TLS." placeholder:"FILE"`
	ACMEHosts []string `name:"acme-hosts" help:"The panel gets certificates for these names: ask it over TLS." placeholder:"NAME,…"`
}

// Run exits 0 when the panel says that it is alive.
func (c *healthcheckCmd) Run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	url, err := c.url()
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	resp, err := c.client().Do(req)
	if err != nil {
		return fmt.Errorf("ask %s: %w", url, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("the panel at %s answered %s", url, resp.Status)
	}
	return nil
}

// url asks this machine where the panel listens on all addresses.
func (c *healthcheckCmd) url() (string, error) {
	at, err := app.OnThisMachine(c.Listen)
	if err != nil {
		return "", fmt.Errorf("read --listen: %w", err)
	}
	scheme := "http"
	if c.overTLS() {
		scheme = "https"
	}
	return scheme + "://" + at + "/healthz", nil
}

func (c *healthcheckCmd) overTLS() bool { return c.TLSCert != "" || len(c.ACMEHosts) > 0 }

// client does not check the certificate: the question is whether this machine's
// own process lives, and it is asked by an address that no certificate names.
func (c *healthcheckCmd) client() *http.Client {
	conf := &tls.Config{InsecureSkipVerify: true}
	if len(c.ACMEHosts) > 0 {
		conf.ServerName = c.ACMEHosts[0]
	}
	return &http.Client{Transport: &http.Transport{TLSClientConfig: conf}}
}
