package traffic

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"drawbridge/internal/awssim"
)

// curl runs curl with the chain's URL in place of URL, and returns its output.
func (c *chain) curl(stdin io.Reader, args ...string) string {
	c.t.Helper()
	path := needs(c.t, "curl")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for i, a := range args {
		args[i] = strings.Replace(a, "URL", c.invoke, 1)
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"--silent", "--show-error", "--noproxy", "*"}, args...)...)
	cmd.Stdin = stdin
	cmd.WaitDelay = time.Second
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		c.t.Fatalf("curl %s: %v\n%s", strings.Join(args, " "), err, errs.String())
	}
	return out.String()
}

func TestCurl(t *testing.T) {
	t.Parallel()
	c := newChain(t, awssim.Options{}, http.HandlerFunc(echo))
	body := random(t, 10<<20)
	file := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	head := c.curl(nil, "--head", "URL/health")
	for _, want := range []string{"HTTP/1.1 200 OK\r\n", "Apigw-Requestid: "} {
		if !strings.Contains(head, want) {
			t.Errorf("HEAD: %q is not in\n%s", want, head)
		}
	}
	for name, args := range map[string][]string{
		"10 MB of a known length": {"--data-binary", "@" + file, "-H", "Content-Type: application/octet-stream", "URL/up"},
		"10 MB after a 100":       {"--data-binary", "@" + file, "-H", "Expect: 100-continue", "URL/up"},
		"10 MB in chunks":         {"--upload-file", "-", "-H", "Transfer-Encoding: chunked", "URL/up"},
		"h2c asked for":           {"--http2", "--data-binary", "@" + file, "URL/up"},
	} {
		var stdin io.Reader
		if name == "10 MB in chunks" {
			stdin = bytes.NewReader(body)
		}
		if got := c.curl(stdin, args...); got != string(body) {
			t.Errorf("%s: %d bytes came back, or others", name, len(got))
		}
	}
	if got := c.curl(nil, "-w", "%{http_code} %{http_version}", "-o", os.DevNull, "-X", "PATCH", "-H", "X-Big: "+strings.Repeat("a", 11_000), "URL/"); got != "431 1.1" {
		t.Errorf("headers over 10,240 bytes: %s", got)
	}
	if got := c.curl(nil, "-H", "Host: nosuchapi0.execute-api."+region+".amazonaws.com", "http://"+c.address+"/"); got != `{"message":"Forbidden"}` {
		t.Errorf("an API that is not there: %s", got)
	}
	if got := c.curl(nil, "-H", "Host: "+c.apiID+".execute-api."+region+".amazonaws.com", "--data", "by AWS's own name", "http://"+c.address+"/"); got != "by AWS's own name" {
		t.Errorf("AWS's own host name: %s", got)
	}
}
