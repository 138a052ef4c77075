package auth_test

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// issuer speaks real OpenID Connect on this machine: discovery, keys,
// authorization code with PKCE, and ID tokens signed with RS256.
type issuer struct {
	*httptest.Server
	t      *testing.T
	key    *rsa.PrivateKey
	claims map[string]any           // of whom is signed in there
	change func(map[string]any)     // what is wrong with the next token
	sign   func(text []byte) string // replaces the signature
	codes  map[string]authorization // by code
	keys   atomic.Int64             // how often the keys were asked for
	header map[string]any
}

type authorization struct{ nonce, challenge, redirect string }

// issuerKey is one for all issuers: making it takes longer than the tests.
var issuerKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key := issuerKey()
	i := &issuer{t: t, key: key, claims: map[string]any{"sub": "42"}, codes: map[string]authorization{},
		header: map[string]any{"alg": "RS256", "kid": "k1", "typ": "JWT"}}
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
		i.keys.Add(1)
		e := big.NewInt(int64(key.E)).Bytes()
		i.json(w, map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "k1", "n": b64(key.N.Bytes()), "e": b64(e),
		}}})
	})
	mux.HandleFunc("GET /authorize", i.authorize)
	mux.HandleFunc("POST /token", i.token)
	return i
}

func b64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (i *issuer) json(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v); err != nil {
		i.t.Error(err)
	}
}

// authorize signs in whoever comes, and sends them back with a code.
func (i *issuer) authorize(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("response_type") != "code" || q.Get("client_id") != "panel" || q.Get("code_challenge_method") != "S256" || q.Get("state") == "" {
		i.t.Errorf("authorize was asked with %v", q)
	}
	if q.Get("prompt") == "login" {
		i.claims["auth_time"] = time.Now().Unix()
	}
	code := b64([]byte(q.Get("state")))[:16]
	i.codes[code] = authorization{q.Get("nonce"), q.Get("code_challenge"), q.Get("redirect_uri")}
	http.Redirect(w, r, q.Get("redirect_uri")+"?"+url.Values{"code": {code}, "state": {q.Get("state")}}.Encode(), http.StatusFound)
}

// token exchanges a code once, for whoever knows the verifier and the secret.
func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	id, secret, _ := r.BasicAuth()
	a, known := i.codes[r.FormValue("code")]
	delete(i.codes, r.FormValue("code"))
	sum := sha256.Sum256([]byte(r.FormValue("code_verifier")))
	if !known || b64(sum[:]) != a.challenge || r.FormValue("redirect_uri") != a.redirect || id != "panel" || secret != "s3cret" {
		w.WriteHeader(http.StatusBadRequest)
		i.json(w, map[string]any{"error": "invalid_grant"})
		return
	}
	i.json(w, map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": i.idToken(map[string]any{"nonce": a.nonce, "aud": "panel"})})
}

// idToken is a signed token with the issuer's claims, more, and the change.
func (i *issuer) idToken(more map[string]any) string {
	claims := map[string]any{"iss": i.URL, "iat": time.Now().Unix(), "exp": time.Now().Add(5 * time.Minute).Unix()}
	for _, m := range []map[string]any{i.claims, more} {
		for k, v := range m {
			claims[k] = v
		}
	}
	if i.change != nil {
		i.change(claims)
	}
	head, err := json.Marshal(i.header)
	must(i.t, err)
	body, err := json.Marshal(claims)
	must(i.t, err)
	text := b64(head) + "." + b64(body)
	if i.sign != nil {
		return text + "." + i.sign([]byte(text))
	}
	return text + "." + i.signature(i.key, text)
}

func (i *issuer) signature(key *rsa.PrivateKey, text string) string {
	sum := sha256.Sum256([]byte(text))
	sig, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	must(i.t, err)
	return b64(sig)
}

// visit follows the panel's redirect as a browser does and returns what the
// issuer sends back to the panel.
func (i *issuer) visit(ctx context.Context, to string) url.Values {
	i.t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, to, nil)
	must(i.t, err)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := client.Do(r)
	must(i.t, err)
	defer client.CloseIdleConnections()
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	back, err := resp.Location()
	must(i.t, err)
	return back.Query()
}
