package web

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"drawbridge/web/ui"
)

// ago prints how long before now a moment was.
func ago(t, now time.Time) ui.Time {
	if t.IsZero() {
		return ui.Time{Words: "never"}
	}
	return ui.Time{
		Age:   strconv.Itoa(int(max(now.Sub(t), 0).Seconds())),
		Words: agoWords(now.Sub(t)),
		ISO:   t.UTC().Format(time.RFC3339),
		Full:  t.UTC().Format("2006-01-02 15:04:05 UTC"),
	}
}

// clock prints a moment of a log: the time of day, with the date when it was
// not today.
func clock(t, now time.Time) ui.Time {
	t, now = t.UTC(), now.UTC()
	layout := "15:04:05.000 UTC"
	if t.YearDay() != now.YearDay() || t.Year() != now.Year() {
		layout = "2006-01-02 15:04:05 UTC"
	}
	return ui.Time{Words: t.Format(layout), ISO: t.Format(time.RFC3339Nano), Full: t.Format("2006-01-02 15:04:05.000 UTC")}
}

// agoWords is also in app.js, which counts on from here.
func agoWords(d time.Duration) string {
	switch {
	case d < 10*time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", int(d.Hours()))
	}
	return fmt.Sprintf("%d days ago", int(d.Hours()/24))
}

// seconds prints a length of time as the waterfall does: "0.4 s", "12 s", "2 min 05 s".
func seconds(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 50*time.Millisecond:
		return "< 0.1 s"
	case d < 10*time.Second:
		return fmt.Sprintf("%.1f s", d.Seconds())
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	}
	return fmt.Sprintf("%d min %02d s", int(d.Minutes()), int(d.Seconds())%60)
}

// millis prints the time of an answer.
func millis(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.1f ms", ms)
	}
	return fmt.Sprintf("%.0f ms", ms)
}

// count prints a number with its noun: "1 instance", "3 instances".
func count(n int, noun string) string {
	switch {
	case n == 1:
		return "1 " + noun
	case strings.HasSuffix(noun, "x"):
		return fmt.Sprintf("%d %ses", n, noun)
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// shellQuote makes s one word of a POSIX shell.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// joinURL puts a test's path behind an invoke URL, which ends in a slash.
func joinURL(base, path string) string {
	return strings.TrimSuffix(base, "/") + path
}

// shortID is the telling end of an ARN; other ids stay as they are.
func shortID(id string) string {
	if !strings.HasPrefix(id, "arn:") {
		return id
	}
	return id[strings.LastIndexByte(id, ':')+1:]
}
