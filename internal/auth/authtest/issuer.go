// Package authtest is an OpenID Connect issuer on this machine. Only tests
// import it.
package authtest

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The panel as the issuer knows it.
const (
	ClientID     = "panel"
	ClientSecret = "canaryOfTheOIDCClientSecret0123456789"
)

// Issuer speaks real OpenID Connect: discovery, keys, authorization code with
// PKCE, and ID tokens signed with RS256. A test changes its fields between requests.
type Issuer struct {
	*httptest.Server
	Key    *rsa.PrivateKey
	Claims map[string]any           // of whom is signed in there
	Change func(map[string]any)     // what is wrong with the next token
	Sign   func(text []byte) string // replaces the signature
	Header map[string]any
	Keys   atomic.Int64 // how often the keys were asked for
	// People have it ask, on a page of its own, who one of these is.
	People map[string]map[string]any

	t     testing.TB
	mu    sync.Mutex
	codes map[string]authorization
}

type authorization struct {
	nonce, challenge, redirect string
	claims                     map[string]any
}

// issuerKey is one for all issuers: making it takes longer than the tests.
var issuerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// New starts an issuer, which ends with the test.
func New(t testing.TB) *Issuer {
	t.Helper()
	i := &Issuer{t: t, Key: issuerKey(), Claims: map[string]any{"sub": "42"}, codes: map[string]authorization{},
		Header: map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}}
	mux := http.NewServeMux()
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		i.json(w, map[string]any{
			"issuer": i.URL, "authorization_endpoint": i.URL + "/authorize", "token_endpoint": i.URL + "/token",
			"jwks_uri": i.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
			"response_types_supported": []string{"code"}, "subject_types_supported": []string{"public"},
		})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		i.Keys.Add(1)
		e := big.NewInt(int64(i.Key.E)).Bytes()
		i.json(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": b64(i.Key.N.Bytes()), "e": b64(e),
		}}})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *Issuer) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// Grant changes what the issuer says of one of its people from now on.
func (i *Issuer) Grant(who, claim string, value any) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.People[who] = maps.Clone(i.People[who])
	i.People[who][claim] = value
}

// authorize signs in whoever comes, or whom they say to be, and sends them back
// with a code.
func (i *Issuer) authorize(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != ClientID || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		i.t.Errorf("authorize was asked with %v", q)
	}
	claims := i.Claims
	if len(i.People) > 0 {
		if claims = i.People[q.Get("who")]; claims == nil {
			i.ask(w, r)
			return
		}
	}
	claims = maps.Clone(claims)
	if q.Get("prompt") == "login" {
		claims["auth_time"] = time.Now().Unix()
	}
	code := b64([]byte(q.Get("state")))[:16]
	i.codes[code] = authorization{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri"), claims}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

// ask is the issuer's own sign-in page.
func (i *Issuer) ask(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>Issuer</title><link rel="icon" href="data:,">`)
	for _, who := range slices.Sorted(maps.Keys(i.People)) {
		fmt.Fprintf(w, `<p><a id="%s" href="%s">%[1]s</a></p>`, html.EscapeString(who), html.EscapeString(r.URL.String()+"&who="+url.QueryEscape(who)))
	}
}

// token exchanges a code once, for whoever knows the verifier and the secret.
func (i *Issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	defer i.mu.Unlock()
	id, secret, _ := r.BasicAuth()
	a, known := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || b64(sum[:]) != a.challenge || r.FormValue("redirect_uri") != a.redirect || id != ClientID || secret != ClientSecret {
		w.WriteHeader(http.StatusBadRequest)
		i.json(w, map[string]any{"error": "invalid_grant"})
		return
	}
	claims := maps.Clone(a.claims)
	claims["nonce"], claims["aud"] = a.nonce, ClientID
	i.json(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": i.signed(claims)})
}

// IDToken is a signed token with the issuer's claims, more, and the change.
func (i *Issuer) IDToken(more map[string]any) string {
	claims := maps.Clone(i.Claims)
	maps.Copy(claims, more)
	return i.signed(claims)
}

func (i *Issuer) signed(with map[string]any) string {
	claims := map[string]any{"iss": i.URL, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix()}
	maps.Copy(claims, with)
	if i.Change != nil {
		i.Change(claims)
	}
	text := b64(i.marshal(i.Header)) + "." + b64(i.marshal(claims))
	if i.Sign != nil {
		return text + "." + i.Sign([]byte(text))
	}
	return text + "." + i.Signature(i.Key, text)
}

func (i *Issuer) marshal(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		i.t.Error(err)
	}
	return raw
}

// Signature signs the text with the key, which may be another than the issuer's.
func (i *Issuer) Signature(key *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		i.t.Error(err)
	}
	return b64(sig)
}

// Visit goes where the panel sent a browser and returns what the issuer sends
// back to the panel.
func (i *Issuer) Visit(ctx context.Context, to string) url.Values {
	i.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	defer client.CloseIdleConnections()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	resp, err := client.Do(r)
	if err != nil {
		i.t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	back, err := resp.Location()
	if err != nil {
		i.t.Fatal(err)
	}
	return back.Query()
}
