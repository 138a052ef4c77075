package web

import (
	"testing"
	"time"
)

func TestUntil(t *testing.T) {
	t.Parallel()
	for left, want := range map[time.Duration]string{
		7*24*time.Hour - time.Second: "in 7 days", 90*24*time.Hour - time.Minute: "in 90 days", 36 * time.Hour: "in 2 days",
		25 * time.Hour: "in 1 day", 23 * time.Hour: "in 23 hours", time.Minute: "in 1 hour", 0: "expired", -time.Hour: "expired",
	} {
		if got := until(sampleNow.Add(left), sampleNow).Words; got != want {
			t.Errorf("%s: %s, want %s", left, got, want)
		}
	}
}
