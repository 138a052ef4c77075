package awssim

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var logVariable = regexp.MustCompile(`\$context\.\w+(?:\.\w+)*`)

func itoa(n int) string { return strconv.Itoa(n) }

// logPart is a text of a format, or a name from the context.
type logPart struct{ text, name string }

// parseFormat divides a format once for all requests.
func parseFormat(format string) (out []logPart) {
	at := 0
	for _, m := range logVariable.FindAllStringIndex(format, -1) {
		out = append(out, logPart{text: format[at:m[0]], name: strings.TrimPrefix(format[m[0]:m[1]], "$context.")})
		at = m[1]
	}
	return append(out, logPart{text: format[at:]})
}

// apiLine is the access log of a stage: its format with what is known, "-" for
// what is not.
func (j *journey) apiLine(row AccessLog) string {
	line := make([]byte, 0, 512)
	for _, p := range j.stage.format {
		line = append(line, p.text...)
		if p.name != "" {
			line = append(line, orDash(j.logValue(p.name, row))...)
		}
	}
	return string(line)
}

// logValue adds to the context what is known only at the end.
func (j *journey) logValue(name string, row AccessLog) string {
	switch name {
	case "status":
		return itoa(row.Status)
	case "responseLength":
		return strconv.FormatInt(j.answer.sent, 10)
	case "responseLatency":
		return strconv.FormatInt(row.Latency.Total.Milliseconds(), 10)
	case "integrationStatus", "integration.status", "integration.integrationStatus":
		if row.Behind == 0 {
			return ""
		}
		return itoa(row.Behind)
	case "integrationLatency", "integration.latency":
		if row.Behind == 0 {
			return ""
		}
		return strconv.FormatInt(row.Latency.Integration.Milliseconds(), 10)
	case "error.message", "error.messageString", "integrationErrorMessage", "integration.error":
		return j.failure
	}
	return j.contextValue(name)
}

// balancerLine is the access log entry of an Application Load Balancer: see
// "Access log entries" in AWS's guide.
func (j *journey) balancerLine(row AccessLog) string {
	h, l := &j.hop, row.Latency
	request, target, response, behind := "-1", "-1", "-1", "-"
	if !h.asked.IsZero() {
		request, target, response = seconds(l.Request), seconds(l.Target), seconds(l.Response)
	}
	if h.targetStatus != 0 {
		behind = itoa(h.targetStatus)
	}
	fields := []string{"http", logTime(row.Time), j.way.balancer.path(), j.way.linkIP.String() + ":" + linkPort(j.id), orDash(h.target), request, target, response,
		itoa(row.Status), behind, strconv.FormatInt(j.received.Load(), 10), strconv.FormatInt(j.answer.sent, 10),
		quoted(h.request), quoted(orDash(h.agent)), "-", "-", orDash(h.group), quoted(orDash(h.trace)), quoted("-"), quoted("-"),
		itoa(h.rule), logTime(h.sent), quoted(h.action), quoted(orDash(h.location)), quoted(orDash(h.reason)),
		quoted(orDash(h.target)), quoted(behind), quoted("-"), quoted("-"), connectionTrace(j.id)}
	return strings.Join(fields, " ")
}

func logTime(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000000Z") }

func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 3, 64) }

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// quoted writes a field that clients have a say in, on one line.
func quoted(s string) string {
	for i := range len(s) {
		if c := s[i]; c < ' ' || c > '~' || c == '"' || c == '\\' {
			return strconv.Quote(s)
		}
	}
	return `"` + s + `"`
}

// linkPort is the port that the link's interface speaks from: any high one,
// the same for the same request.
func linkPort(id string) string {
	n := 0
	for _, b := range []byte(id) {
		n = n*31 + int(b)
	}
	return itoa(1024 + (n&0x7fffffff)%60_000)
}

// connectionTrace is an id of letters and digits.
func connectionTrace(id string) string {
	out := []byte("TID_" + strings.TrimSuffix(id, "="))
	for i, c := range out[4:] {
		switch {
		case c == '-' || c == '_':
			out[4+i] = '0'
		case c >= 'A' && c <= 'Z':
			out[4+i] = c + 'a' - 'A'
		}
	}
	return string(out)
}
