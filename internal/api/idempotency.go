package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humaecho"
	"github.com/labstack/echo/v4"

	"drawbridge/internal/model"
)

const (
	keyHeader      = "Idempotency-Key"
	replayedHeader = "Idempotency-Replayed"
	maxKey         = 255
	readTimeout    = 5 * time.Second // of a body; Huma's own
)

// Keys remembers requests with an Idempotency-Key, for all replicas. See
// store.Store, which carries it, for what each method promises.
type Keys interface {
	ClaimKey(ctx context.Context, r *model.KeyedRequest) (*model.KeyedAnswer, error)
	RenewKey(ctx context.Context, r *model.KeyedRequest) error
	AnswerKey(ctx context.Context, r *model.KeyedRequest, answer *model.KeyedAnswer) error
	ReleaseKey(ctx context.Context, r *model.KeyedRequest) error
}

// secretFields are told once, to whoever asked first: they are neither kept
// nor told again when a request is repeated.
var secretFields = map[string]string{"create-token": "secret", "create-invitation": "path", "create-webhook": "secret", "rotate-webhook-secret": "secret"}

// keptHeaders are the headers that are part of a repeated answer.
var keptHeaders = []string{"Content-Type", "Location", "Retry-After", "ETag"}

// keyParam describes the header; draft-ietf-httpapi-idempotency-key-header-07.
func keyParam() *huma.Param {
	shortest, longest := 1, maxKey+2
	return &huma.Param{
		Name: keyHeader, In: "header", Example: `"8e03978e-40d5-43dd-bc93-6894a57f9324"`,
		Schema: &huma.Schema{Type: huma.TypeString, MinLength: &shortest, MaxLength: &longest},
		Description: "Names this request, so that it takes effect once however often you send it within 24 hours: a repeat gets the first answer, with " + replayedHeader +
			": true and without secrets; another request with the same key gets 422, and one that comes while the first is at work 409 with Retry-After. What failed for the server's own reasons (5xx, 429) is not kept.",
	}
}

// idempotent has a POST that names itself take effect once.
func (a *API) idempotent(ctx huma.Context, next func(huma.Context)) {
	c := humaecho.Unwrap(ctx)
	values := c.Request().Header.Values(keyHeader)
	if len(values) == 0 || ctx.Method() != http.MethodPost {
		next(ctx)
		return
	}
	key := strings.TrimSuffix(strings.TrimPrefix(values[0], `"`), `"`)
	if len(values) > 1 || key == "" || len(key) > maxKey || strings.ContainsFunc(key, func(r rune) bool { return r < ' ' || r > '~' }) {
		a.fail(c, model.Errorf(model.CodeInvalid, "Send one %s, of 1 to %d printable ASCII characters.", keyHeader, maxKey))
		return
	}
	_ = ctx.SetReadDeadline(time.Now().Add(readTimeout)) // a writer without deadlines reads without
	body, whole := readBody(c.Request(), ctx.Operation().MaxBodyBytes)
	_ = ctx.SetReadDeadline(time.Time{})
	if !whole { // too long or torn: it is refused, with or without a key
		next(ctx)
		return
	}
	r := &model.KeyedRequest{
		Caller: actorFrom(ctx.Context()).ID, Key: key, Fingerprint: fingerprint(c.Request(), body), Term: model.NewID("try_"),
	}
	answer, err := a.keys.ClaimKey(ctx.Context(), r)
	switch {
	case err != nil:
		a.fail(c, err)
	case answer != nil:
		a.replay(c, answer)
	default:
		a.carryOut(ctx, r, next)
	}
}

// readBody takes the body to know it, and puts it back.
func readBody(r *http.Request, most int64) (body []byte, whole bool) {
	body, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	rest := io.Reader(r.Body)
	if err != nil {
		rest = failing{err}
	}
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), r.Body}
	return body, err == nil && int64(len(body)) <= most
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

// fingerprint tells requests apart. How long the caller waits for the answer
// does not belong to what it asks for.
func fingerprint(r *http.Request, body []byte) string {
	query := r.URL.Query()
	query.Del("wait")
	h := sha256.New()
	fmt.Fprintf(h, "%s %s?%s\n", r.Method, r.URL.Path, query.Encode())
	h.Write(body)
	return hex.EncodeToString(h.Sum(nil))
}

// carryOut does the work and keeps its answer before the caller gets it.
func (a *API) carryOut(ctx huma.Context, r *model.KeyedRequest, next func(huma.Context)) {
	c := humaecho.Unwrap(ctx)
	own := context.WithoutCancel(ctx.Context()) // a caller that leaves must not leave the key claimed
	var renew *time.Timer
	renew = time.AfterFunc(model.KeyedLease/3, func() {
		if err := a.keys.RenewKey(own, r); err == nil {
			renew.Reset(model.KeyedLease / 3)
		}
	})
	held := &heldAnswer{ResponseWriter: c.Response().Writer, status: http.StatusInternalServerError}
	c.Response().Writer = held
	defer func() {
		renew.Stop()
		c.Response().Writer = held.ResponseWriter
		if err := a.keep(own, ctx.Operation(), r, held); err != nil {
			a.log.ErrorContext(own, "keep the answer to a repeated request", "request_id", requestIDFrom(own), "error", err)
		}
		held.send()
	}()
	next(huma.WithContext(ctx, model.WithKeyedRequest(ctx.Context(), r)))
}

// keep notes the answer; a failure of the server's is none.
func (a *API) keep(ctx context.Context, op *huma.Operation, r *model.KeyedRequest, held *heldAnswer) error {
	if held.status >= http.StatusInternalServerError || held.status == http.StatusTooManyRequests {
		return a.keys.ReleaseKey(ctx, r)
	}
	answer := &model.KeyedAnswer{Status: held.status, Header: map[string]string{}, Body: held.body.Bytes()}
	for _, name := range keptHeaders {
		if v := held.Header().Get(name); v != "" {
			answer.Header[name] = v
		}
	}
	if secret := secretFields[op.OperationID]; secret != "" && held.status < http.StatusBadRequest {
		var err error
		if answer.Body, err = without(answer.Body, secret); err != nil {
			return err
		}
	}
	return a.keys.AnswerKey(ctx, r, answer)
}

// without takes a field out of a JSON object.
func without(body []byte, field string) ([]byte, error) {
	fields := map[string]json.RawMessage{}
	if err := json.Unmarshal(body, &fields); err != nil {
		return nil, fmt.Errorf("take %s out of the answer: %w", field, err)
	}
	delete(fields, field)
	return json.Marshal(fields)
}

// replay answers as the first time.
func (a *API) replay(c echo.Context, answer *model.KeyedAnswer) {
	h := c.Response().Header()
	for name, value := range answer.Header {
		h.Set(name, value)
	}
	h.Set(replayedHeader, "true")
	c.Response().WriteHeader(answer.Status)
	if _, err := c.Response().Write(answer.Body); err != nil {
		a.log.DebugContext(c.Request().Context(), "write a repeated answer", "error", err)
	}
}

// heldAnswer holds an answer back until it is kept.
type heldAnswer struct {
	http.ResponseWriter
	status int
	begun  bool
	body   bytes.Buffer
}

func (h *heldAnswer) WriteHeader(status int)      { h.status, h.begun = status, true }
func (h *heldAnswer) Write(b []byte) (int, error) { return h.body.Write(b) }

// Unwrap lets http.ResponseController reach the connection.
func (h *heldAnswer) Unwrap() http.ResponseWriter { return h.ResponseWriter }

// send passes the answer on; after a panic there is none, and guard answers.
func (h *heldAnswer) send() {
	if !h.begun {
		return
	}
	h.ResponseWriter.WriteHeader(h.status)
	_, _ = h.ResponseWriter.Write(h.body.Bytes()) // the caller has left; it may ask again
}
