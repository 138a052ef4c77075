package webhook

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"drawbridge/internal/model"
	"drawbridge/internal/probe"
)

// Limits of one attempt.
const (
	Timeout   = 15 * time.Second
	MaxAnswer = 1 << 10 // bytes of an answer that are read and kept
)

// Sender makes messages and sends each once.
type Sender struct {
	Key    *Key
	Client *probe.Client // with Timeout and MaxAnswer
	URL    string        // the panel's, for links
	Now    func() time.Time
}

// Check refuses an address that no notice could be sent to, as far as that can
// be told beforehand.
func (s *Sender) Check(rawURL string) error {
	if err := s.Client.Check(rawURL); err != nil {
		return errors.New(advised(err))
	}
	return nil
}

// NewSecret makes a secret to sign with.
func (s *Sender) NewSecret() string { return NewSecret() }

// Seal and Open keep a webhook's secrets; see Key.
func (s *Sender) Seal(w *model.Webhook, secrets model.WebhookSecrets) error {
	return s.Key.Seal(w, secrets)
}

// Open is Key's.
func (s *Sender) Open(w *model.Webhook) (model.WebhookSecrets, error) { return s.Key.Open(w) }

// Send tries once to deliver what was claimed, and says what is to become of it.
func (s *Sender) Send(ctx context.Context, c *model.DeliveryClaim) *model.DeliveryOutcome {
	at := s.Now()
	a := &model.Attempt{At: at}
	answer, err := s.post(ctx, c, at)
	a.Millis = float64(s.Now().Sub(at).Microseconds()) / 1000
	a.Status, a.Answer = answer.Status, answer.Body
	o := &model.DeliveryOutcome{Claim: c, Attempt: a}
	switch {
	case err != nil:
		a.Error = advised(err)
	case answer.Status < 200 || answer.Status > 299:
		a.Error = refusedWords(answer)
	default:
		o.State = model.DeliveryDelivered
		return o
	}
	if ctx.Err() != nil { // this server stops: nobody knows whether it arrived
		return &model.DeliveryOutcome{Claim: c}
	}
	o.State, o.Delay = model.DeliveryPending, delay(c.Tries)
	if o.Delay == 0 {
		o.State = model.DeliveryFailed
	}
	if answer.Status == http.StatusGone {
		o.State, o.Disable = model.DeliveryFailed, "It answered 410 Gone, which means that it wants nothing more."
	}
	if wait := retryAfter(answer.Header, s.Now()); wait > 0 {
		o.Hold, o.Delay = wait, max(o.Delay, wait)
	}
	return o
}

func (s *Sender) post(ctx context.Context, c *model.DeliveryClaim, at time.Time) (probe.Answer, error) {
	secrets, err := s.Key.Open(&c.Webhook)
	if err != nil {
		return probe.Answer{}, err
	}
	h := http.Header{"Content-Type": {"application/json"}}
	build := slack
	if c.Webhook.Signs() {
		build = standard
	}
	body, err := build(s.URL, &c.Notice)
	if err != nil {
		return probe.Answer{}, fmt.Errorf("write the message: %w", err)
	}
	if c.Webhook.Signs() {
		keys := []string{secrets.Secret}
		if secrets.OldSecret != "" && at.Before(c.Webhook.OldSecretUntil) {
			keys = append(keys, secrets.OldSecret)
		}
		if err := sign(h, c.Notice.ID, at, body, keys...); err != nil {
			return probe.Answer{}, err
		}
	}
	return s.Client.Post(ctx, secrets.URL, h, body)
}

// schedule is how long it is from one failed try to the next: three days in all.
var schedule = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, time.Hour, 3 * time.Hour, 6 * time.Hour,
	12 * time.Hour, 24 * time.Hour, 24 * time.Hour,
}

// delay is how long it is until the next try after so many that failed before
// this one; 0 when there is none. It is up to a fifth longer or shorter, so
// that what failed together does not come again together.
func delay(failed int) time.Duration {
	if failed >= len(schedule) {
		return 0
	}
	d := schedule[failed]
	return d - d/5 + rand.N(2*d/5)
}

// maxRetryAfter bounds what a receiver may ask for.
const maxRetryAfter = time.Hour

// retryAfter is how long a receiver asks to be left alone.
func retryAfter(h http.Header, now time.Time) time.Duration {
	text := h.Get("Retry-After")
	if seconds, err := strconv.Atoi(text); err == nil {
		return min(max(time.Duration(min(seconds, int(maxRetryAfter.Seconds())))*time.Second, 0), maxRetryAfter)
	}
	if at, err := http.ParseTime(text); err == nil {
		return min(max(at.Sub(now), 0), maxRetryAfter)
	}
	return 0
}

// refusedWords say what a status means that is not 2xx.
func refusedWords(a probe.Answer) string {
	text := fmt.Sprintf("It answered %d", a.Status)
	if name := http.StatusText(a.Status); name != "" {
		text += " " + name
	}
	switch {
	case a.Status >= 300 && a.Status < 400:
		return text + ". Redirects are not followed: give the address that it leads to."
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return text + ". Look whether it checks the signature with the current secret."
	case a.Status == http.StatusNotFound:
		return text + ". Look at the address."
	case a.Status == http.StatusTooManyRequests:
		return text + ": it gets more than it takes."
	}
	return text + "."
}

// advised is why nothing came back, with what helps against the guard.
func advised(err error) string {
	text := err.Error()
	var refused *probe.Refused
	if errors.As(err, &refused) {
		text = strings.Replace(text, "Only public addresses and the environment's own invoke host are asked.", "Webhooks reach public addresses only.", 1)
		text = strings.Replace(text, "Outside the environment's own invoke host, requests go to ports", "Webhooks go to ports", 1)
		text += " An operator may allow a network of their own with --webhook-networks."
	}
	const most = 500
	for len(text) > most || !utf8.ValidString(text) {
		text = strings.ToValidUTF8(text[:min(len(text), most)], "")
	}
	return text
}
