package webhook

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

// TestSignature: the vector that the libraries of Standard Webhooks are tested with.
func TestSignature(t *testing.T) {
	t.Parallel()
	const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	h := http.Header{}
	at := time.Unix(1614265330, 0)
	if err := sign(h, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`), secret); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek", "webhook-timestamp": "1614265330",
		"webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	if err := sign(h, "a", at, nil, secret, NewSecret()); err != nil {
		t.Fatal(err)
	}
	if both := strings.Fields(h.Get("webhook-signature")); len(both) != 2 || both[0] == both[1] {
		t.Errorf("two secrets sign %q", both)
	}
	if err := sign(h, "a", at, nil, "whsec_!"); err == nil {
		t.Error("a secret that is none signs")
	}
}
