package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"drawbridge/internal/model"
)

// ProviderConfig describes an OpenID Connect provider.
type ProviderConfig struct {
	Name         string // on the button
	Issuer       string
	ClientID     string
	ClientSecret string
	RedirectURL  string // the panel's /sign-in/callback, as the provider knows it
	GroupsClaim  string // that lists a person's groups; "" = they are not looked at
	Groups       []GroupRule
	HTTP         *http.Client // one that waits for ten seconds when nil
}

// GroupRule says which role a group of the provider has in which team.
type GroupRule struct {
	Group string
	Team  string // by name
	Role  model.Role
}

// Provider signs people in by OpenID Connect: authorization code with PKCE,
// state and nonce. People are known by issuer and subject, never by address.
type Provider struct {
	auth *Auth
	cfg  ProviderConfig

	mu       sync.Mutex
	provider *oidc.Provider // nil until it was reached
	failed   time.Time      // when it last was not
}

// NewProvider makes a Provider, which is looked for when it is first used: a
// provider that does not answer must not keep the panel from starting.
func NewProvider(a *Auth, cfg ProviderConfig) *Provider {
	if cfg.HTTP == nil {
		cfg.HTTP = &http.Client{Timeout: providerTimeout}
	}
	return &Provider{auth: a, cfg: cfg}
}

// Name is what stands on the button.
func (p *Provider) Name() string { return p.cfg.Name }

// Errand is why somebody is sent to the provider.
type Errand struct {
	Next       string // where to go afterwards
	Invitation string // the token of an invitation that they accept by it
	Confirm    bool   // they are signed in and prove once more who they are
	Link       bool   // they are signed in and want to sign in by the provider from now on
}

// Values of the browser's session while somebody is at the provider.
const (
	oidcState      = "oidc_state"
	oidcNonce      = "oidc_nonce"
	oidcVerifier   = "oidc_verifier"
	oidcNext       = "oidc_next"
	oidcInvitation = "oidc_invitation"
	oidcErrand     = "oidc_errand"
)

// What somebody was sent there for.
const (
	errandSignIn  = "sign in"
	errandConfirm = "confirm"
	errandLink    = "link"
)

// providerTimeout is how long the provider may take to answer; people wait meanwhile.
const providerTimeout = 10 * time.Second

// errandTime is how long somebody may be at the provider.
const errandTime = 15 * time.Minute

// retryProvider is how long one that did not answer is left alone.
const retryProvider = 5 * time.Second

// clockSkew is how far the provider's clock may be from ours.
const clockSkew = time.Minute

// Begin returns the provider's address to send the browser to.
func (p *Provider) Begin(ctx context.Context, e Errand) (string, error) {
	oauth, _, err := p.client(ctx)
	if err != nil {
		return "", err
	}
	state, nonce, verifier := secretLink(), secretLink(), oauth2.GenerateVerifier()
	errand := errandSignIn
	options := []oauth2.AuthCodeOption{oidc.Nonce(nonce), oauth2.S256ChallengeOption(verifier)}
	switch {
	case e.Link:
		errand = errandLink
		if _, err := p.linker(ctx); err != nil {
			return "", err
		}
	case e.Confirm:
		errand = errandConfirm
		options = append(options, oauth2.SetAuthURLParam("prompt", "login"), oauth2.SetAuthURLParam("max_age", "0"))
	}
	for key, value := range map[string]string{
		oidcState: state, oidcNonce: nonce, oidcVerifier: verifier, oidcNext: e.Next, oidcInvitation: e.Invitation, oidcErrand: errand,
	} {
		p.auth.Sessions.Put(ctx, key, value)
	}
	if !p.auth.Sessions.Exists(ctx, sessionKey) { // a stranger's session is kept for the errand only, lest they fill the database
		p.auth.Sessions.SetDeadline(ctx, time.Now().Add(errandTime))
	}
	return oauth.AuthCodeURL(state, options...), nil
}

// Finish takes the provider's answer, signs in (or confirms) whom it names and
// returns where to go.
func (p *Provider) Finish(ctx context.Context, answer url.Values) (string, error) {
	sent := map[string]string{}
	for _, key := range []string{oidcState, oidcNonce, oidcVerifier, oidcNext, oidcInvitation, oidcErrand} {
		sent[key] = p.auth.Sessions.PopString(ctx, key) // each answer is taken once
	}
	person, err := p.person(ctx, sent, answer)
	if err == nil {
		err = p.admit(ctx, sent, person)
	}
	if err != nil {
		return "", joinRefusal(err, p.auth.refused(ctx, nil, err))
	}
	return sent[oidcNext], nil
}

func (p *Provider) admit(ctx context.Context, sent map[string]string, person *claims) error {
	switch sent[oidcErrand] {
	case errandConfirm:
		return p.confirm(ctx, person)
	case errandLink:
		return p.link(ctx, person)
	}
	u, err := p.userOf(ctx, person, sent[oidcInvitation])
	if err != nil {
		return err
	}
	return p.auth.begin(ctx, u)
}

// claims are what an ID token says of a person.
type claims struct {
	Issuer   string
	Subject  string
	Name     string   `json:"name"`
	Username string   `json:"preferred_username"`
	Email    string   `json:"email"`
	Verified anyBool  `json:"email_verified"`
	AuthTime int64    `json:"auth_time"`
	Groups   []string `json:"-"`
}

// person checks the answer and the ID token that its code is exchanged for.
func (p *Provider) person(ctx context.Context, sent map[string]string, answer url.Values) (*claims, error) {
	state := answer.Get("state")
	if sent[oidcState] == "" || subtle.ConstantTimeCompare([]byte(state), []byte(sent[oidcState])) != 1 {
		return nil, refusedBy("The answer of %s does not belong to this browser's sign-in. Begin again.", p.cfg.Name)
	}
	if iss := answer.Get("iss"); iss != "" && iss != p.cfg.Issuer { // RFC 9207, against mixed-up providers
		return nil, refusedBy("The answer is not that of %s. Begin again.", p.cfg.Name)
	}
	if answer.Get("error") != "" || answer.Get("code") == "" {
		return nil, refusedBy("%s did not sign you in. Begin again, or ask who runs it.", p.cfg.Name)
	}
	oauth, provider, err := p.client(ctx)
	if err != nil {
		return nil, err
	}
	ctx = oidc.ClientContext(ctx, p.cfg.HTTP)
	tokens, err := oauth.Exchange(ctx, answer.Get("code"), oauth2.VerifierOption(sent[oidcVerifier]))
	if err != nil {
		return nil, refusedBy("%s did not take the sign-in's code. Begin again: %w", p.cfg.Name, err)
	}
	raw, _ := tokens.Extra("id_token").(string)
	token, err := provider.Verifier(&oidc.Config{ClientID: p.cfg.ClientID, Now: p.auth.now}).Verify(ctx, raw)
	if err != nil {
		return nil, refusedBy("%s sent an ID token that does not hold. Begin again: %w", p.cfg.Name, err)
	}
	if subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(sent[oidcNonce])) != 1 {
		return nil, refusedBy("%s sent an ID token for another sign-in. Begin again.", p.cfg.Name)
	}
	return p.read(token)
}

func (p *Provider) read(token *oidc.IDToken) (*claims, error) {
	c := &claims{Issuer: token.Issuer, Subject: token.Subject}
	all := map[string]any{}
	if err := token.Claims(c); err != nil {
		return nil, refusedBy("%s sent an ID token that cannot be read: %w", p.cfg.Name, err)
	}
	if err := token.Claims(&all); err != nil {
		return nil, refusedBy("%s sent an ID token that cannot be read: %w", p.cfg.Name, err)
	}
	if list, ok := all[p.cfg.GroupsClaim].([]any); ok && p.cfg.GroupsClaim != "" {
		for _, g := range list {
			if group, ok := g.(string); ok {
				c.Groups = append(c.Groups, group)
			}
		}
	}
	if c.Subject == "" {
		return nil, refusedBy("%s sent an ID token without a subject.", p.cfg.Name)
	}
	return c, nil
}

// client reaches the provider for the first time, or returns what was found.
func (p *Provider) client(ctx context.Context) (*oauth2.Config, *oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.provider == nil {
		silent := model.Errorf(model.CodeUnavailable, "%s does not answer. Try again in a moment; the server's log has the reason.", p.cfg.Name)
		if p.auth.now().Sub(p.failed) < retryProvider { // whoever waited for the last try waits for no other
			return nil, nil, silent
		}
		// The provider keeps its context for fetching keys: it must outlive this request.
		provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.cfg.HTTP), p.cfg.Issuer)
		if err != nil {
			p.failed = p.auth.now()
			silent.Err = err
			return nil, nil, silent
		}
		p.provider = provider
	}
	return &oauth2.Config{
		ClientID: p.cfg.ClientID, ClientSecret: p.cfg.ClientSecret, Endpoint: p.provider.Endpoint(),
		RedirectURL: p.cfg.RedirectURL, Scopes: []string{oidc.ScopeOpenID, "profile", "email"},
	}, p.provider, nil
}

// refusedBy is a sign-in by a provider that failed.
func refusedBy(format string, args ...any) error {
	return model.Errorf(model.CodeUnauthorized, format, args...)
}

// anyBool reads true and "true": some providers write email_verified as text.
type anyBool bool

func (b *anyBool) UnmarshalJSON(text []byte) error {
	*b = string(text) == "true" || string(text) == `"true"`
	return nil
}

// joinRefusal keeps the refusal and adds that it could not be recorded.
func joinRefusal(refusal, recording error) error {
	if recording == nil {
		return refusal
	}
	return fmt.Errorf("%w (not recorded: %w)", refusal, recording)
}
