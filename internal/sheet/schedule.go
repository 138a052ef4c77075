package sheet

import (
	"strings"

	"drawbridge/internal/model"
)

// scheduleText writes a schedule as one cell: "Asia/Tokyo mon,tue 09:00-19:00".
func scheduleText(s *model.Schedule) string {
	if s == nil {
		return ""
	}
	return s.TimeZone + " " + strings.Join(s.Days, ",") + " " + s.Wake + "-" + s.Sleep
}

// setSchedule reads it. Whether zone, days and times are right is the spec's to say.
func setSchedule(e *Entry, text string) {
	fields := strings.Fields(text)
	wake, sleep, both := "", "", false
	if len(fields) == 3 {
		wake, sleep, both = strings.Cut(fields[2], "-")
	}
	if !both {
		e.refuse("spec.schedule", "%q is not a schedule; write zone, days and times as in Asia/Tokyo mon,tue,wed,thu,fri 09:00-19:00.", text)
		return
	}
	e.Spec.Schedule = &model.Schedule{TimeZone: fields[0], Days: strings.Split(fields[1], ","), Wake: wake, Sleep: sleep}
}
