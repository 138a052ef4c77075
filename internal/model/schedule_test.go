package model

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata" // the tests mean the same on a machine without zones
)

func office(zone, wake, sleep string, days ...string) *Schedule {
	s := &Schedule{TimeZone: zone, Wake: wake, Sleep: sleep}
	if len(days) > 0 {
		s.Days = days
	}
	return s.withDefaults()
}

func moment(t *testing.T, zone, text string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestSchedule_validate(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(s *Spec)
		path   string // "" when it is right
		says   string
	}{
		"office hours":     {func(*Spec) {}, "", ""},
		"overnight":        {func(s *Spec) { s.Schedule.Wake, s.Schedule.Sleep = "22:00", "06:00" }, "", ""},
		"no days: working": {func(s *Spec) { s.Schedule.Days = nil }, "", ""},
		"no zone":          {func(s *Spec) { s.Schedule.TimeZone = "" }, "time_zone", "Asia/Tokyo"},
		"an offset":        {func(s *Spec) { s.Schedule.TimeZone = "+09:00" }, "time_zone", `"+09:00" is not a time zone`},
		"the server's own": {func(s *Spec) { s.Schedule.TimeZone = "Local" }, "time_zone", "not a time zone"},
		"a path":           {func(s *Spec) { s.Schedule.TimeZone = "../../etc/passwd" }, "time_zone", "not a time zone"},
		"unknown zone":     {func(s *Spec) { s.Schedule.TimeZone = "Asia/Atlantis" }, "time_zone", "not a time zone"},
		"empty days":       {func(s *Spec) { s.Schedule.Days = []string{} }, "days", "at least one day"},
		"unknown day":      {func(s *Spec) { s.Schedule.Days = []string{"monday"} }, "days", `"monday" is not a day`},
		"a day twice":      {func(s *Spec) { s.Schedule.Days = []string{"mon", "mon"} }, "days", "mon is named twice"},
		"24:00":            {func(s *Spec) { s.Schedule.Sleep = "24:00" }, "sleep", "23:59"},
		"without a nought": {func(s *Spec) { s.Schedule.Wake = "9:00" }, "wake", "09:00"},
		"seconds":          {func(s *Spec) { s.Schedule.Wake = "09:00:00" }, "wake", "not a time of day"},
		"a sign":           {func(s *Spec) { s.Schedule.Wake = "+9:00" }, "wake", "not a time of day"},
		"the same":         {func(s *Spec) { s.Schedule.Wake, s.Schedule.Sleep = "09:00", "09:00" }, "sleep", "all the time or never"},
		"existing instances": {func(s *Spec) {
			s.Source, s.Launch, s.Instances = SourceInstances, nil, &Instances{IDs: []string{"i-0a1b2c3d4e5f67890"}}
		}, "", "never stops"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			spec := Spec{Port: 8000, Schedule: &Schedule{TimeZone: "Asia/Tokyo", Days: []string{"fri", "mon"}, Wake: "09:00", Sleep: "19:00"}}
			tc.change(&spec)
			err := spec.WithDefaults().Validate()
			if tc.says == "" {
				if err != nil {
					t.Error(err)
				}
				return
			}
			path := "spec.schedule"
			if tc.path != "" {
				path += "." + tc.path
			}
			var e *Error
			if !errors.As(err, &e) || len(e.Fields) != 1 || e.Fields[0].Path != path || !strings.Contains(e.Fields[0].Message, tc.says) {
				t.Errorf("%v, want %q at %s", err, tc.says, path)
			}
		})
	}
	if got := (Spec{Schedule: &Schedule{Days: []string{"sun", "mon"}}}).WithDefaults().Schedule.Days; !slices.Equal(got, []string{"mon", "sun"}) {
		t.Errorf("days %v", got)
	}
}

func TestSchedule_nextAndLast(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		s          *Schedule
		now        string // in its zone; 2026-11-27 is a Friday
		next, last string
	}{
		"in the morning":        {office("Asia/Tokyo", "09:00", "19:00"), "2026-11-27 08:59", "wake 2026-11-27 09:00", "sleep 2026-11-26 19:00"},
		"at the very moment":    {office("Asia/Tokyo", "09:00", "19:00"), "2026-11-27 09:00", "sleep 2026-11-27 19:00", "wake 2026-11-27 09:00"},
		"Friday night":          {office("Asia/Tokyo", "09:00", "19:00"), "2026-11-27 23:00", "wake 2026-11-30 09:00", "sleep 2026-11-27 19:00"},
		"overnight, before":     {office("Europe/Berlin", "22:00", "06:00", "fri"), "2026-11-27 12:00", "wake 2026-11-27 22:00", "sleep 2026-11-21 06:00"},
		"overnight, in it":      {office("Europe/Berlin", "22:00", "06:00", "fri"), "2026-11-28 03:00", "sleep 2026-11-28 06:00", "wake 2026-11-27 22:00"},
		"skipped by the spring": {office("Europe/Berlin", "02:30", "12:00", "sun"), "2026-03-29 01:00", "wake 2026-03-29 03:00", "sleep 2026-03-22 12:00"},
		"sleep skipped":         {office("America/New_York", "01:00", "02:15", "sun"), "2026-03-08 01:30", "sleep 2026-03-08 03:00", "wake 2026-03-08 01:00"},
		"twice in the autumn":   {office("Europe/Berlin", "02:30", "12:00", "sun"), "2026-10-25 01:00", "wake 2026-10-25 02:30", "sleep 2026-10-18 12:00"},
		"half an hour of it":    {office("Australia/Lord_Howe", "02:15", "12:00", "sun"), "2026-10-04 01:00", "wake 2026-10-04 02:30", "sleep 2026-09-27 12:00"},
		"skipped at midnight":   {office("America/Santiago", "00:30", "12:00", "sun"), "2026-09-05 23:00", "wake 2026-09-06 01:00", "sleep 2026-08-30 12:00"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			now := moment(t, tc.s.TimeZone, tc.now)
			words := func(x Transition) string {
				return string(x.Operation()) + x.At.In(now.Location()).Format(" 2006-01-02 15:04")
			}
			if next, last := words(tc.s.Next(now)), words(tc.s.Last(now)); next != tc.next || last != tc.last {
				t.Errorf("next %s, last %s; want %s, %s", next, last, tc.next, tc.last)
			}
		})
	}
	// The first of the two half past twos, which is one hour before the second.
	fold := office("Europe/Berlin", "02:30", "12:00", "sun").Next(moment(t, "Europe/Berlin", "2026-10-25 01:00"))
	if want := time.Date(2026, 10, 25, 0, 30, 0, 0, time.UTC); !fold.At.Equal(want) {
		t.Errorf("in the fold it wakes at %s, want %s", fold.At.UTC(), want)
	}
}

// TestSchedule_everyTransitionExists walks a year of zones that set their
// clocks in every way: transitions alternate, each is at its time of day or at
// the moment that skipped it, and Next and Last agree.
func TestSchedule_everyTransitionExists(t *testing.T) {
	t.Parallel()
	for _, zone := range []string{"UTC", "Asia/Tokyo", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/Santiago",
		"Africa/Casablanca", "Pacific/Apia", "America/Sao_Paulo", "Antarctica/Troll"} {
		for _, times := range [][2]string{{"09:00", "19:00"}, {"00:00", "02:30"}, {"02:30", "03:30"}, {"22:00", "06:00"}, {"23:59", "00:00"}} {
			t.Run(zone+" "+times[0]+"-"+times[1], func(t *testing.T) {
				t.Parallel()
				s := office(zone, times[0], times[1], Weekdays...)
				loc, _ := s.location()
				walk(t, s, time.Date(2011, 3, 1, 0, 0, 0, 0, time.UTC), loc) // Apia skips a day at the end of that year
			})
		}
	}
}

func walk(t *testing.T, s *Schedule, at time.Time, loc *time.Location) {
	t.Helper()
	end := at.AddDate(1, 0, 0)
	was := s.Last(at)
	n := 0
	for at.Before(end) {
		next := s.Next(at)
		if !next.At.After(at) {
			t.Fatalf("after %s comes %s", at, next.At)
		}
		if got := s.Last(next.At); got != next && !got.At.Equal(next.At) {
			t.Fatalf("at %s the newest is %v", next.At, got)
		}
		if got := s.Last(next.At.Add(-time.Nanosecond)); !got.At.Equal(was.At) && n > 0 {
			t.Fatalf("before %s the newest is %v, want %v", next.At, got, was)
		}
		want := s.Sleep
		if next.Awakes {
			want = s.Wake
		}
		begin, _ := next.At.In(loc).ZoneBounds()
		if shown := next.At.In(loc).Format("15:04"); shown != want && !next.At.Equal(begin) {
			t.Fatalf("%s %s: clocks show %s", next.Operation(), next.At.In(loc), shown)
		}
		was, at = s.Last(next.At), next.At
		n++
	}
	if n < 700 {
		t.Errorf("only %d transitions in a year", n)
	}
}

func TestSchedule_awakeHours(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		s    *Schedule
		want int
	}{
		{nil, 730},
		{office("UTC", "09:00", "19:00"), 217},
		{office("UTC", "22:00", "06:00", Weekdays...), 243},
		{office("UTC", "00:00", "23:59", Weekdays...), 729},
		{office("UTC", "10:00", "10:01", "mon"), 0},
	} {
		if got := tc.s.AwakeHours(); got != tc.want {
			t.Errorf("%+v: %d hours, want %d", tc.s, got, tc.want)
		}
	}
}
