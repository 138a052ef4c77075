package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"drawbridge/internal/model"
)

// scheduleForm is a sleep schedule as it was typed. Without zone and times
// there is none.
type scheduleForm struct {
	TimeZone, Wake, Sleep string
	Days                  []string
}

// defaultSchedule has working days chosen, for whoever fills in the rest.
func defaultSchedule() scheduleForm { return scheduleForm{Days: model.Weekdays[:5]} }

func scheduleFormOf(v url.Values) scheduleForm {
	get := func(name string) string { return strings.TrimSpace(v.Get(name)) }
	return scheduleForm{TimeZone: get("schedule_time_zone"), Wake: get("schedule_wake"), Sleep: get("schedule_sleep"), Days: v["schedule_days"]}
}

// scheduleFormOfSpec is the form of what is saved.
func scheduleFormOfSpec(s *model.Schedule) scheduleForm {
	if s == nil {
		return defaultSchedule()
	}
	return scheduleForm{TimeZone: s.TimeZone, Wake: s.Wake, Sleep: s.Sleep, Days: s.Days}
}

// schedule is what was typed; nil for none.
func (f scheduleForm) schedule() *model.Schedule {
	if f.TimeZone == "" && f.Wake == "" && f.Sleep == "" {
		return nil
	}
	days := f.Days
	if days == nil {
		days = []string{} // none were chosen, which is not the same as not asked
	}
	return &model.Schedule{TimeZone: f.TimeZone, Wake: f.Wake, Sleep: f.Sleep, Days: days}
}

// scheduleInputs are the inputs of a schedule's fields.
var scheduleInputs = map[string]string{
	"spec.schedule": "schedule_time_zone", "spec.schedule.time_zone": "schedule_time_zone", "spec.schedule.days": "schedule_days",
	"spec.schedule.wake": "schedule_wake", "spec.schedule.sleep": "schedule_sleep",
}

// scheduleWords tells a schedule in words: "mon to fri, 09:00 to 19:00, Asia/Tokyo".
func scheduleWords(s *model.Schedule) string {
	return fmt.Sprintf("awake %s, %s to %s, %s", dayWords(s.Days), s.Wake, s.Sleep, s.TimeZone)
}

// dayName is how a person writes the day: "Mon".
func dayName(d string) string { return strings.ToUpper(d[:1]) + d[1:] }

func dayWords(days []string) string {
	switch strings.Join(days, " ") {
	case strings.Join(model.Weekdays, " "):
		return "every day"
	case strings.Join(model.Weekdays[:5], " "):
		return "mon to fri"
	}
	return strings.Join(days, ", ")
}

// comesWords tells what a schedule does next about a backend in that phase, as
// "Sleeps today at 19:00 JST"; "" where it does nothing.
func comesWords(s *model.Schedule, p model.Phase, now time.Time) string {
	if s == nil || p != model.PhaseReady && p != model.PhaseDegraded && p != model.PhaseAsleep {
		return ""
	}
	t := s.Comes(now, p == model.PhaseAsleep)
	loc, err := time.LoadLocation(s.TimeZone)
	if err != nil || t.At.IsZero() {
		return ""
	}
	verb := "Sleeps"
	if t.Awakes {
		verb = "Wakes"
	}
	at := t.At.In(loc)
	return fmt.Sprintf("%s %s at %s by its schedule.", verb, dayFrom(at, now.In(loc)), at.Format("15:04 MST"))
}

// dayFrom names a day near now: "today", "tomorrow", "on Monday".
func dayFrom(at, now time.Time) string {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, time.UTC)
	day := time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)
	switch int(day.Sub(midnight).Hours() / 24) {
	case 0:
		return "today"
	case 1:
		return "tomorrow"
	}
	return "on " + at.Weekday().String()
}

// fields are the schedule as inputs that say the same.
func (f scheduleForm) fields() []fact {
	all := []fact{{"schedule_time_zone", f.TimeZone}, {"schedule_wake", f.Wake}, {"schedule_sleep", f.Sleep}}
	for _, day := range f.Days {
		all = append(all, fact{"schedule_days", day})
	}
	return all
}
