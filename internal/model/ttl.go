package model

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var ttlRE = regexp.MustCompile(`^(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?$`)

// hugeTTL is what every longer length of time is taken for: more than any
// maximum, less than what time.Duration holds.
const hugeTTL = 100 * 365 * 24 * time.Hour

// LongestTTL asks for as long as it may be, where a sandbox is extended.
const LongestTTL = "max"

// ParseTTL reads a length of time as people write it: 90m, 8h, 2d12h.
func ParseTTL(text string) (time.Duration, error) {
	text = strings.ToLower(strings.ReplaceAll(text, " ", ""))
	m := ttlRE.FindStringSubmatch(text)
	switch {
	case strings.HasPrefix(text, "-"):
		return 0, Errorf(CodeInvalid, "%q lies in the past; write how long from now, as in 90m, 8h or 2d12h.", text)
	case m == nil || text == "":
		return 0, Errorf(CodeInvalid, "%q is not a length of time; write it as in 90m, 8h or 2d12h.", text)
	}
	var sum time.Duration
	for i, unit := range []time.Duration{24 * time.Hour, time.Hour, time.Minute, time.Second} {
		if m[i+1] == "" {
			continue
		}
		n, err := strconv.ParseInt(m[i+1], 10, 64)
		if err != nil || n > int64(hugeTTL/unit) {
			return hugeTTL, nil
		}
		sum = min(sum+time.Duration(n)*unit, hugeTTL)
	}
	return sum, nil
}

// TTLText writes a length of time so that ParseTTL reads it: 2d12h.
func TTLText(d time.Duration) string {
	if d < time.Second {
		return "0s"
	}
	var b strings.Builder
	for _, u := range []struct {
		unit time.Duration
		name string
	}{{24 * time.Hour, "d"}, {time.Hour, "h"}, {time.Minute, "m"}, {time.Second, "s"}} {
		if n := d / u.unit; n > 0 {
			fmt.Fprintf(&b, "%d%s", n, u.name)
			d -= n * u.unit
		}
	}
	return b.String()
}
