package main

import (
	"fmt"
	"os"
	"strings"

	"drawbridge/internal/app"
	"drawbridge/internal/auth"
	"drawbridge/internal/model"
)

// accessFlags say how people and programs reach the panel, and who signs them in.
type accessFlags struct {
	URL            string   `name:"url" help:"The panel's address as browsers see it, when a proxy stands before it." placeholder:"URL"`
	TrustedProxies []string `help:"Proxies whose X-Forwarded-For is believed." placeholder:"NETWORK,…"`
	TLSCert        string   `name:"tls-cert" help:"Certificate chain in PEM; read again when it changes." placeholder:"FILE"`
	TLSKey         string   `name:"tls-key" help:"Its private key in PEM." placeholder:"FILE"`
	ACMEHosts      []string `name:"acme-hosts" help:"Get certificates for these names from Let's Encrypt; --listen must be reachable on port 443." placeholder:"NAME,…"`
	ACMEEmail      string   `name:"acme-email" help:"Where Let's Encrypt writes to." placeholder:"ADDRESS"`

	ACMEDirectory string   `name:"acme-directory" help:"Directory of another ACME authority than Let's Encrypt." placeholder:"URL"`
	Hosts         []string `help:"Names by which the panel is asked, beside those of --url and --acme-hosts; others are refused." placeholder:"NAME,…"`
	IssuerNets    []string `name:"issuer-networks" help:"Networks of your own in which issuers of workload tokens may be asked for their keys, as a GitLab's: 10.1.0.0/16." placeholder:"CIDR,…"`
	NoPasswords   bool     `help:"Nobody signs in by password; needs --oidc-issuer."`

	OIDCName             string   `name:"oidc-name" help:"What stands on the provider's button." default:"single sign-on"`
	OIDCIssuer           string   `name:"oidc-issuer" help:"OpenID Connect provider to sign in with; its redirect address is <url>/sign-in/callback." placeholder:"URL"`
	OIDCClientID         string   `name:"oidc-client-id" help:"The panel's client id there." placeholder:"ID"`
	OIDCClientSecretFile string   `name:"oidc-client-secret-file" help:"File with the client's secret; none for a public client." placeholder:"FILE"`
	OIDCGroupsClaim      string   `name:"oidc-groups-claim" help:"Claim that lists a person's groups." default:"groups"`
	OIDCGroups           []string `name:"oidc-groups" help:"What groups may do in which team, each as group=team:role." placeholder:"GROUP=TEAM:ROLE,…"`
}

func (f accessFlags) config() (app.AccessConfig, error) {
	c := app.AccessConfig{
		URL: strings.TrimSuffix(f.URL, "/"), TrustedProxies: f.TrustedProxies,
		TLSCert: f.TLSCert, TLSKey: f.TLSKey, ACMEHosts: f.ACMEHosts, ACMEEmail: f.ACMEEmail, ACMEDirectory: f.ACMEDirectory,
		Hosts: f.Hosts, NoPasswords: f.NoPasswords, IssuerNetworks: f.IssuerNets,
	}
	if f.OIDCIssuer == "" {
		return c, nil
	}
	if f.OIDCClientID == "" {
		return c, model.Errorf(model.CodeInvalid, "--oidc-issuer needs --oidc-client-id.")
	}
	p := &auth.ProviderConfig{Name: f.OIDCName, Issuer: f.OIDCIssuer, ClientID: f.OIDCClientID, GroupsClaim: f.OIDCGroupsClaim}
	if f.OIDCClientSecretFile != "" {
		secret, err := os.ReadFile(f.OIDCClientSecretFile)
		if err != nil {
			return c, fmt.Errorf("read --oidc-client-secret-file: %w", err)
		}
		p.ClientSecret = strings.TrimSpace(string(secret))
	}
	for _, text := range f.OIDCGroups {
		rule, err := parseGroupRule(text)
		if err != nil {
			return c, err
		}
		p.Groups = append(p.Groups, rule)
	}
	c.Provider = p
	return c, nil
}

// parseGroupRule reads group=team:role. A group's name may hold both signs.
func parseGroupRule(text string) (auth.GroupRule, error) {
	var r auth.GroupRule
	eq := strings.LastIndexByte(text, '=')
	if eq > 0 {
		team, role, _ := strings.Cut(text[eq+1:], ":")
		r = auth.GroupRule{Group: text[:eq], Team: team, Role: model.Role(role)}
	}
	if r.Team == "" || !r.Role.Valid() || r.Role == model.RoleAdmin {
		return r, model.Errorf(model.CodeInvalid, "--oidc-groups takes group=team:role with the role viewer, developer or owner; %q is not that.", text)
	}
	return r, nil
}
