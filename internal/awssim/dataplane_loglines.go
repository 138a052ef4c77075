package awssim

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var logVariable = regexp.MustCompile(`\$context\.\w+(?:\.\w+)*`)

func itoa(n int) string { return strconv.Itoa(n) }

// apiLine is the access log of a stage: its format with what is known, "-" for
// what is not.
func (j *journey) apiLine(row AccessLog) string {
	return logVariable.ReplaceAllStringFunc(logFormat(j.stage.stage), func(ref string) string {
		if v := j.logValue(strings.TrimPrefix(ref, "$context."), row); v != "" {
			return v
		}
		return "-"
	})
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
		itoa(row.Status), behind, strconv.FormatInt(j.received, 10), strconv.FormatInt(j.answer.sent, 10),
		quoted(h.request), quoted(orDash(h.agent)), "-", "-", orDash(h.group), quoted(orDash(h.trace)), quoted("-"), quoted("-"),
		itoa(h.rule), logTime(h.sent), quoted(h.action), quoted(orDash(h.location)), quoted(orDash(h.reason)),
		quoted(orDash(h.target)), quoted(behind), quoted("-"), quoted("-"), "TID_" + strings.ToLower(strings.NewReplacer("-", "0", "_", "1", "=", "").Replace(j.id))}
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
func quoted(s string) string { return strconv.Quote(s) }

// linkPort is the port that the link's interface speaks from: any high one,
// the same for the same request.
func linkPort(id string) string {
	n := 0
	for _, b := range []byte(id) {
		n = n*31 + int(b)
	}
	return itoa(1024 + (n&0x7fffffff)%60_000)
}
