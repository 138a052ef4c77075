package auth

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"drawbridge/internal/model"
)

// maxWorkloadToken bounds an ID token; GitHub's have some 2 kB.
const maxWorkloadToken = 16 << 10

// retryIssuer is how long an issuer that did not answer is left alone.
const retryIssuer = 30 * time.Second

// issuers are the issuers of workload tokens that some team trusts. Their keys
// are kept, and asked for again when a token names one that is not known.
type issuers struct {
	http *http.Client
	now  func() time.Time

	mu    sync.Mutex
	known map[string]*issuer
}

// issuer is one of them. Its lock is held while it is asked: whoever chose one
// that is slow makes nobody wait but those who bear its tokens.
type issuer struct {
	mu       sync.Mutex
	provider *oidc.Provider
	failed   time.Time
}

// looksLikeJWT tells a workload's ID token from a token of ours.
func looksLikeJWT(bearer string) bool {
	return strings.Count(bearer, ".") == 2 && len(bearer) <= maxWorkloadToken
}

// workloadActor returns whom an ID token of another system stands for: the
// first trust whose issuer signed it for its audience and whose claims fit.
func (a *Auth) workloadActor(ctx context.Context, bearer string) (model.Actor, error) {
	refused := model.Errorf(model.CodeUnauthorized, "This workload token is not valid here: no team trusts its issuer, audience and claims, or it has expired.")
	iss := unverifiedIssuer(bearer)
	if iss == "" {
		return model.Actor{}, refused
	}
	trusts, err := a.store.Read().TrustsOf(ctx, iss)
	if err != nil {
		return model.Actor{}, err
	}
	if len(trusts) == 0 { // only issuers that somebody trusts are ever asked for keys
		return model.Actor{}, refused
	}
	provider, err := a.issuers.provider(ctx, iss)
	if err != nil {
		return model.Actor{}, model.Errorf(model.CodeUnavailable, "The issuer of this workload token does not answer, so it cannot be checked. Try again in a moment: %w", err)
	}
	// Every algorithm but the symmetric ones and none, whatever the issuer's document says.
	token, err := provider.Verifier(&oidc.Config{
		SkipClientIDCheck: true, Now: a.now,
		SupportedSigningAlgs: []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA},
	}).Verify(ctx, bearer)
	if err != nil {
		a.log.DebugContext(ctx, "workload token refused", "issuer", iss, "error", err)
		return model.Actor{}, refused
	}
	claims := map[string]any{}
	if err := token.Claims(&claims); err != nil {
		return model.Actor{}, refused
	}
	for i := range trusts {
		t := &trusts[i]
		if !slices.Contains(token.Audience, t.Audience) || !t.Fits(claims) {
			continue
		}
		switch stands, err := a.stands(ctx, t.TeamID, t.CreatedBy); {
		case err != nil:
			return model.Actor{}, err
		case stands:
			return trustActor(t, token.Expiry), nil
		}
	}
	return model.Actor{}, refused
}

// trustActor is whom a workload stands for.
func trustActor(t *model.Trust, until time.Time) model.Actor {
	actor := model.Member(t.ID, t.Name, t.TeamID, t.Role)
	actor.By, actor.Until = t.CreatedBy, until
	return actor
}

// unverifiedIssuer reads who claims to have signed the token, to know whose
// keys to check it with.
func unverifiedIssuer(bearer string) string {
	parts := strings.Split(bearer, ".")
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return ""
	}
	var c struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &c) != nil {
		return ""
	}
	return c.Issuer
}

// provider finds an issuer's keys, once.
func (s *issuers) provider(ctx context.Context, iss string) (*oidc.Provider, error) {
	s.mu.Lock()
	i := s.known[iss]
	if i == nil {
		i = &issuer{}
		s.known[iss] = i
	}
	s.mu.Unlock()
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.provider != nil {
		return i.provider, nil
	}
	if s.now().Sub(i.failed) < retryIssuer {
		return nil, model.Errorf(model.CodeUnavailable, "It did not answer a moment ago.")
	}
	// The provider keeps its context for fetching keys: it must outlive this request.
	provider, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), s.http), iss)
	if err != nil {
		i.failed = s.now()
		return nil, err
	}
	i.provider = provider
	return provider, nil
}
