package awssim

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// signature is what the Authorization header of a request says.
type signature struct {
	key, date, region, service string
	headers                    []string
	value                      string
}

var (
	credentialRE = regexp.MustCompile(`Credential=([^/,\s]+)/(\d{8})/([^/,\s]+)/([^/,\s]+)/aws4_request`)
	headersRE    = regexp.MustCompile(`SignedHeaders=([^,\s]+)`)
	signatureRE  = regexp.MustCompile(`Signature=([0-9a-f]+)`)
)

// signatureOf reads a request's signature, the zero one when it has none.
func signatureOf(r *http.Request) signature {
	text := r.Header.Get("Authorization")
	m := credentialRE.FindStringSubmatch(text)
	if m == nil {
		return signature{}
	}
	sig := signature{key: m[1], date: m[2], region: m[3], service: m[4]}
	if h := headersRE.FindStringSubmatch(text); h != nil {
		sig.headers = strings.Split(h[1], ";")
	}
	if v := signatureRE.FindStringSubmatch(text); v != nil {
		sig.value = v[1]
	}
	return sig
}

// session is what AssumeRole gives, as its token says it: nothing about it
// has to be kept, and it outlives the simulator.
type session struct {
	Key     string    `json:"key"`
	Account string    `json:"account"`
	Role    string    `json:"role"`
	RoleID  string    `json:"role_id,omitempty"`
	Name    string    `json:"name"`
	Expires time.Time `json:"expires"`
}

// caller is who makes a call.
type caller struct {
	account string
	session *session // nil = a user with keys of their own
}

var keyAccount = regexp.MustCompile(`^(?:(\d{12})|ASIA(\d{12})[A-Z0-9]{4})$`)

// callerOf says whose keys signed a request, without checking the signature.
func (s *Sim) callerOf(r *http.Request, sig signature) caller {
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		if ses, ok := s.readToken(token); ok && ses.Key == sig.key {
			return caller{account: ses.Account, session: ses}
		}
	}
	if m := keyAccount.FindStringSubmatch(sig.key); m != nil {
		return caller{account: m[1] + m[2]}
	}
	return caller{account: s.home.account}
}

func (sh *shared) mac(parts ...string) []byte {
	h := hmac.New(sha256.New, []byte("session keys of "+sh.secret))
	for _, p := range parts {
		_, _ = io.WriteString(h, p+"\n") // a hash never fails
	}
	return h.Sum(nil)
}

func (sh *shared) sessionSecret(key string) string {
	return base64.StdEncoding.EncodeToString(sh.mac("secret", key))[:40]
}

func (sh *shared) writeToken(ses session) (string, error) {
	raw, err := json.Marshal(ses)
	if err != nil {
		return "", err
	}
	text := base64.RawURLEncoding.EncodeToString(raw)
	return text + "." + hex.EncodeToString(sh.mac("token", text)), nil
}

func (sh *shared) readToken(token string) (*session, bool) {
	text, sum, _ := strings.Cut(token, ".")
	have, err := hex.DecodeString(sum)
	if err != nil || !hmac.Equal(have, sh.mac("token", text)) {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, false
	}
	ses := &session{}
	return ses, json.Unmarshal(raw, ses) == nil
}

// maxSkew is how far a client's clock may be off.
const maxSkew = 15 * time.Minute

// authenticate checks the signature when the simulator has a secret.
func (s *Sim) authenticate(r *http.Request, sig signature, who caller) error {
	if s.secret == "" {
		return nil
	}
	secret := s.secret
	if strings.HasPrefix(sig.key, "ASIA") || r.Header.Get("X-Amz-Security-Token") != "" {
		if who.session == nil {
			return refusal(sig.service, unknownKey)
		}
		if !s.now().Before(who.session.Expires) {
			return refusal(sig.service, expiredToken)
		}
		secret = s.sessionSecret(sig.key)
	}
	stamp := r.Header.Get("X-Amz-Date")
	at, err := time.Parse("20060102T150405Z", stamp)
	if err != nil || !strings.HasPrefix(stamp, sig.date) || !slices.Contains(sig.headers, "host") {
		return refusal(sig.service, badSignature)
	}
	if skew := s.now().Sub(at); skew > maxSkew || skew < -maxSkew {
		return refusal(sig.service, expiredRequest)
	}
	raw, err := readBody(r)
	if err != nil {
		return err
	}
	r.Body = io.NopCloser(bytes.NewReader(raw))
	if want := sig.sign(secret, stamp, canonicalRequest(r, sig.headers, raw)); !hmac.Equal([]byte(want), []byte(sig.value)) {
		return refusal(sig.service, badSignature)
	}
	return nil
}

// sign gives the signature of Signature Version 4.
func (sig signature) sign(secret, stamp, canonical string) string {
	key := []byte("AWS4" + secret)
	for _, part := range []string{sig.date, sig.region, sig.service, "aws4_request"} {
		key = hmacSHA256(key, part)
	}
	scope := strings.Join([]string{sig.date, sig.region, sig.service, "aws4_request"}, "/")
	return hex.EncodeToString(hmacSHA256(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+sha256Hex([]byte(canonical))))
}

func hmacSHA256(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	_, _ = io.WriteString(h, text) // a hash never fails
	return h.Sum(nil)
}

func sha256Hex(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// canonicalRequest is the text that a client signs. All services but S3 encode
// the path, which came encoded, once more.
func canonicalRequest(r *http.Request, headers []string, body []byte) string {
	path := strings.ReplaceAll(awsEscape(r.URL.EscapedPath()), "%2F", "/")
	if path == "" {
		path = "/"
	}
	var query []string
	for k, values := range r.URL.Query() {
		for _, v := range values {
			query = append(query, awsEscape(k)+"="+awsEscape(v))
		}
	}
	slices.Sort(query)
	var b strings.Builder
	for _, h := range headers {
		b.WriteString(h + ":" + headerForSigning(r, h) + "\n")
	}
	return strings.Join([]string{r.Method, path, strings.Join(query, "&"), b.String(), strings.Join(headers, ";"), sha256Hex(body)}, "\n")
}

func headerForSigning(r *http.Request, name string) string {
	switch name {
	case "host":
		return r.Host
	case "content-length": // net/http keeps it apart
		return strconv.FormatInt(r.ContentLength, 10)
	}
	var values []string
	for _, v := range r.Header.Values(name) {
		values = append(values, strings.Join(strings.Fields(v), " "))
	}
	return strings.Join(values, ",")
}

func awsEscape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// defect is what is wrong with a request's credentials.
type defect int

const (
	noSignature defect = iota
	badSignature
	unknownKey
	expiredToken
	expiredRequest
)

// refusal words a defect as each service does.
func refusal(service string, d defect) error {
	if service == "ec2" && (d == badSignature || d == unknownKey) {
		return wire.Errorf(http.StatusUnauthorized, "AuthFailure", "AWS was not able to validate the provided access credentials")
	}
	if service == "ec2" && d == expiredToken {
		d = expiredRequest
	}
	status := http.StatusForbidden
	if service == "ssm" {
		status = http.StatusBadRequest
	}
	suffixed := service == "ssm" || service == "apigateway"
	name := func(query, json string) string {
		if suffixed {
			return json
		}
		return query
	}
	switch d {
	case noSignature:
		return wire.Errorf(status, name("MissingAuthenticationToken", "MissingAuthenticationTokenException"), "Missing Authentication Token")
	case unknownKey:
		return wire.Errorf(status, name("InvalidClientTokenId", "UnrecognizedClientException"), "The security token included in the request is invalid.")
	case expiredToken:
		return wire.Errorf(status, name("ExpiredToken", "ExpiredTokenException"), "The security token included in the request is expired")
	case expiredRequest:
		return wire.BadRequest("RequestExpired", "Request has expired.")
	}
	return wire.Errorf(status, name("SignatureDoesNotMatch", "InvalidSignatureException"),
		"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
}
