package awsapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
)

var errSeen = errors.New("seen")

// seeing tells what body it was given.
type seeing func(body io.ReadCloser)

func (f seeing) Do(r *http.Request) (*http.Response, error) {
	f(r.Body)
	return nil, errSeen
}

// A body is sent whole and has no way to be written but to be read.
func TestPlainBodies(t *testing.T) {
	t.Parallel()
	for name, body := range map[string]io.Reader{"one with WriteTo": strings.NewReader("hello"), "none": nil, "none that says so": http.NoBody} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/", body)
		if err != nil {
			t.Fatal(err)
		}
		_, err = plainBodies{seeing(func(sent io.ReadCloser) {
			if sent == nil || sent == http.NoBody {
				return
			}
			raw, err := io.ReadAll(sent)
			if _, writes := sent.(io.WriterTo); writes || string(raw) != "hello" || err != nil {
				t.Errorf("%s: %T with %q, %v", name, sent, raw, err)
			}
		})}.Do(r)
		if !errors.Is(err, errSeen) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
