package model

import (
	"slices"
	"strconv"
	"strings"
	"time"
)

// Schedule is when a backend is awake by itself: on each of the days from Wake
// to Sleep, by the clocks of the time zone. A Sleep that is not after Wake is
// of the next day.
type Schedule struct {
	TimeZone string   `json:"time_zone"` // of the IANA database: "Asia/Tokyo"
	Days     []string `json:"days"`      // "mon" to "sun"
	Wake     string   `json:"wake"`      // "09:00"
	Sleep    string   `json:"sleep"`     // "19:00"
}

// Weekdays are the names of days in a schedule, Monday first.
var Weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// defaultDays are those of a schedule that names none.
var defaultDays = Weekdays[:5]

// withDefaults is the schedule with its days in the order of the week, and with
// working days where none is named.
func (s *Schedule) withDefaults() *Schedule {
	if s == nil {
		return nil
	}
	out := *s
	out.Days = slices.Clone(s.Days)
	if s.Days == nil {
		out.Days = slices.Clone(defaultDays)
	}
	slices.SortStableFunc(out.Days, func(a, b string) int { return slices.Index(Weekdays, a) - slices.Index(Weekdays, b) })
	return &out
}

// minutesOfDay is how many minutes a day mostly has.
const minutesOfDay = 24 * 60

// timeOfDay reads "19:00" as minutes since midnight.
func timeOfDay(text string) (int, bool) {
	hours, minutes, found := strings.Cut(text, ":")
	h, errH := strconv.Atoi(hours)
	m, errM := strconv.Atoi(minutes)
	ok := found && len(text) == 5 && strings.Trim(text, "0123456789") == ":" && errH == nil && errM == nil && h < 24 && m < 60
	return h*60 + m, ok
}

// location is the schedule's time zone. "Local" is where the server happens to
// stand, which nobody who writes a spec knows.
func (s *Schedule) location() (*time.Location, bool) {
	if s.TimeZone == "" || s.TimeZone == "Local" {
		return time.UTC, false
	}
	loc, err := time.LoadLocation(s.TimeZone)
	if err != nil {
		return time.UTC, false
	}
	return loc, true
}

// validate adds what is wrong with it below spec.schedule.
func (s *Schedule) validate(v *Invalid) {
	if _, ok := s.location(); !ok {
		v.Add("spec.schedule.time_zone", "%q is not a time zone; write its name in the IANA database, such as Asia/Tokyo, Europe/Berlin or UTC.", s.TimeZone)
	}
	if len(s.Days) == 0 {
		v.Add("spec.schedule.days", "Name at least one day, of %s; or leave the schedule out and the backend stays awake.", strings.Join(Weekdays, ", "))
	}
	for i, d := range s.Days {
		switch {
		case !slices.Contains(Weekdays, d):
			v.Add("spec.schedule.days", "%q is not a day; use %s.", d, strings.Join(Weekdays, ", "))
		case slices.Contains(s.Days[:i], d):
			v.Add("spec.schedule.days", "%s is named twice.", d)
		}
	}
	wake, wakes := timeOfDay(s.Wake)
	sleep, sleeps := timeOfDay(s.Sleep)
	if !wakes {
		v.Add("spec.schedule.wake", "%q is not a time of day; write it as in 09:00, from 00:00 to 23:59.", s.Wake)
	}
	if !sleeps {
		v.Add("spec.schedule.sleep", "%q is not a time of day; write it as in 19:00, from 00:00 to 23:59.", s.Sleep)
	}
	if wakes && sleeps && wake == sleep {
		v.Add("spec.schedule.sleep", "It wakes and sleeps at %s, so it would sleep all the time or never; choose another time for one of them.", s.Sleep)
	}
}

// Transition is a moment at which a schedule has a backend wake or sleep.
type Transition struct {
	At     time.Time
	Awakes bool // otherwise it goes to sleep
}

// Operation is what a transition does.
func (t Transition) Operation() Operation {
	if t.Awakes {
		return OpWake
	}
	return OpSleep
}

// around lists the transitions of the weeks around a moment, in order.
func (s *Schedule) around(t time.Time) []Transition {
	loc, _ := s.location()
	wake, _ := timeOfDay(s.Wake)
	sleep, _ := timeOfDay(s.Sleep)
	if sleep <= wake {
		sleep += minutesOfDay
	}
	year, month, day := t.In(loc).Date()
	var all []Transition
	for offset := -9; offset <= 9; offset++ {
		// Noon exists on every day that does.
		d := time.Date(year, month, day+offset, 12, 0, 0, 0, time.UTC)
		if !slices.Contains(s.Days, Weekdays[(int(d.Weekday())+6)%7]) {
			continue
		}
		all = append(all, Transition{wallClock(d, wake, loc), true}, Transition{wallClock(d, sleep, loc), false})
	}
	slices.SortStableFunc(all, func(a, b Transition) int { return a.At.Compare(b.At) })
	return all
}

// wallClock is the moment at which clocks in loc show so many minutes past the
// midnight of day. Where they are set back and show it twice it is the first
// time; where they are set forward and skip it, the moment of the skip.
func wallClock(day time.Time, minutes int, loc *time.Location) time.Time {
	y, m, d := day.Date()
	h, minute := minutes/60, minutes%60
	t := time.Date(y, m, d, h, minute, 0, 0, loc)
	asked := time.Date(y, m, d, h, minute, 0, 0, time.UTC)
	begin, end := t.ZoneBounds()
	if shown := clockFace(t); !shown.Equal(asked) {
		// Skipped: t is beside the gap, on the side that its offset is of.
		if shown.After(asked) {
			return begin
		}
		return end
	}
	if !begin.IsZero() {
		_, before := begin.Add(-time.Second).Zone()
		_, after := t.Zone()
		if first := t.Add(time.Duration(after-before) * time.Second); first.Before(begin) && clockFace(first.In(loc)).Equal(asked) {
			return first
		}
	}
	return t
}

// clockFace is what clocks show at t, as if it were UTC.
func clockFace(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// Next is the first transition after a moment.
func (s *Schedule) Next(after time.Time) Transition {
	for _, t := range s.around(after) {
		if t.At.After(after) {
			return t
		}
	}
	return Transition{}
}

// Last is the newest transition that is not after a moment: whatever came
// before is overtaken by it.
func (s *Schedule) Last(now time.Time) Transition {
	var last Transition
	for _, t := range s.around(now) {
		if t.At.After(now) {
			break
		}
		last = t
	}
	return last
}

// AwakeHours are the hours of a month of HoursPerMonth in which the schedule
// has a backend awake, rounded; all of them without a schedule.
func (s *Schedule) AwakeHours() int {
	if s == nil {
		return HoursPerMonth
	}
	wake, _ := timeOfDay(s.Wake)
	sleep, _ := timeOfDay(s.Sleep)
	week := len(s.Days) * ((sleep - wake + minutesOfDay) % minutesOfDay)
	const minutesOfWeek = 7 * minutesOfDay
	return (week*HoursPerMonth + minutesOfWeek/2) / minutesOfWeek
}

// Planned is the next transition of a backend as it is kept.
type Planned struct {
	BackendID   string
	SpecVersion int // of the spec that it was reckoned from
	At          time.Time
	Operation   Operation
	LookAt      time.Time // when to look again: At, or later while a job holds the backend
}

// Plan is the backend's next transition after a moment.
func (s *Schedule) Plan(b *Backend, after time.Time) *Planned {
	next := s.Next(after)
	return &Planned{BackendID: b.ID, SpecVersion: b.SpecVersion, At: next.At, Operation: next.Operation(), LookAt: next.At}
}

// Comes is the next transition that changes something for a backend that is
// asleep, or awake.
func (s *Schedule) Comes(after time.Time, asleep bool) Transition {
	next := s.Next(after)
	if next.Awakes != asleep {
		next = s.Next(next.At)
	}
	return next
}
