package sheet

import (
	"strings"
	"testing"
)

func TestScheduleCell(t *testing.T) {
	t.Parallel()
	var e Entry
	const text = "Asia/Tokyo mon,fri 09:00-19:00"
	setSchedule(&e, "  Asia/Tokyo  mon,fri  09:00-19:00 ")
	if got := scheduleText(e.Spec.Schedule); got != text || len(e.Refused) != 0 {
		t.Errorf("%q, %+v", got, e.Refused)
	}
	if got := scheduleText(nil); got != "" {
		t.Errorf("none: %q", got)
	}
	for _, bad := range []string{"always", "Asia/Tokyo 09:00-19:00", "Asia/Tokyo mon 09:00", "a b c d"} {
		e := Entry{}
		setSchedule(&e, bad)
		if len(e.Refused) != 1 || !strings.Contains(e.Refused[0].Message, "as in Asia/Tokyo") {
			t.Errorf("%q: %+v", bad, e.Refused)
		}
	}
}
