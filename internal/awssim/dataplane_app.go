package awssim

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// sampleApp answers as the article's Flask app does.
type sampleApp struct{ hostname string }

const flaskError = "<!doctype html>\n<html lang=en>\n<title>%d %s</title>\n<h1>%s</h1>\n<p>%s</p>\n"

func (a *sampleApp) page(path string) (string, bool) {
	switch path {
	case "/":
		return fmt.Sprintf("Hello from the Home page! (EC2 Host: %s)\n", a.hostname), true
	case "/service-a":
		return fmt.Sprintf("This is Service A! (EC2 Host: %s, Path: %s)\n", a.hostname, path), true
	case "/service-b":
		return fmt.Sprintf("This is Service B! (EC2 Host: %s, Path: %s)\n", a.hostname, path), true
	case "/health":
		return "OK", true
	}
	return "", false
}

// answer reads the whole request, as a server would, and answers it.
func (a *sampleApp) answer(r *http.Request) (*http.Response, error) {
	if r.Body != nil {
		defer r.Body.Close()
		if _, err := io.Copy(io.Discard, r.Body); err != nil {
			return nil, err
		}
	}
	status, header := http.StatusOK, http.Header{}
	body, ok := a.page(r.URL.Path)
	switch {
	case !ok:
		status = http.StatusNotFound
		body = fmt.Sprintf(flaskError, status, "Not Found", "Not Found",
			"The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again.")
	case r.Method == http.MethodOptions:
		header.Set("Allow", "GET, HEAD, OPTIONS")
		body = ""
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		status = http.StatusMethodNotAllowed
		header.Set("Allow", "GET, HEAD, OPTIONS")
		body = fmt.Sprintf(flaskError, status, "Method Not Allowed", "Method Not Allowed", "The method is not allowed for the requested URL.")
	}
	header.Set("Server", "Werkzeug/3.1.3 Python/3.9.23")
	header.Set("Content-Type", "text/html; charset=utf-8")
	return textResponse(r, status, header, body), nil
}

// textResponse is a complete answer of HTTP/1.1.
func textResponse(r *http.Request, status int, header http.Header, body string) *http.Response {
	header.Set("Content-Length", strconv.Itoa(len(body)))
	header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	length := int64(len(body))
	if r.Method == http.MethodHead {
		body = ""
	}
	return &http.Response{Status: strconv.Itoa(status) + " " + http.StatusText(status), StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: header, ContentLength: length, Body: io.NopCloser(strings.NewReader(body)), Request: r}
}
