package web

import (
	"net/http"
	"net/url"
	"reflect"
	"testing"
	"time"
	_ "time/tzdata" // the tests mean the same on a machine without zones

	"drawbridge/internal/model"
)

func scheduleOf(zone, wake, sleep string, days ...string) url.Values {
	return url.Values{"name": {"nightly"}, "environment_id": {"env_local"}, "source": {"launch"}, "port": {"8000"}, "health_path": {"/"},
		"instance_type": {"t3.micro"}, "count": {"1"}, "schedule_time_zone": {zone}, "schedule_wake": {wake}, "schedule_sleep": {sleep}, "schedule_days": days}
}

func TestScheduleForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(developer, http.MethodGet, pathBackendNew(), nil), http.StatusOK, "Sleep schedule", `name="schedule_days" value="mon" checked`, `name="schedule_days" value="sun"> Sun`)
	for _, tc := range []struct {
		form  url.Values
		parts []string
	}{
		{scheduleOf("Mars/Olympus", "09:00", "19:00", "mon"), []string{"is not a time zone", `value="Mars/Olympus"`, `value="09:00"`}},
		{scheduleOf("Asia/Tokyo", "", "19:00", "mon"), []string{"is not a time of day"}},
		{scheduleOf("", "09:00", "19:00", "mon"), []string{"is not a time zone"}},
		{scheduleOf("Asia/Tokyo", "09:00", "19:00"), []string{"Name at least one day"}},
		{scheduleOf("Asia/Tokyo", "09:00", "19:00", "someday"), []string{"is not a day"}},
		{scheduleOf("Asia/Tokyo", "09:00", "09:00", "mon"), []string{"all the time or never"}},
		{scheduleOf(`"><script>`, "09:00", "19:00", "mon"), []string{"!<script>\""}},
	} {
		want(t, s.as(developer, http.MethodPost, pathBackendNew(), tc.form), http.StatusUnprocessableEntity, tc.parts...)
	}
	r := s.as(developer, http.MethodPost, pathBackendNew(), scheduleOf("Asia/Tokyo", "09:00", "19:00", "tue", "mon"))
	if r.StatusCode != http.StatusSeeOther {
		t.Fatalf("status %d", r.StatusCode)
	}
	want(t, s.as(viewer, http.MethodGet, r.Header.Get("Location"), nil), http.StatusOK, "By its schedule it is awake 87 of 730 hours", "87 hours awake", "$8.74 a month less")
}

func TestScheduleFormSaysWhatIsSaved(t *testing.T) {
	t.Parallel()
	saved := &model.Schedule{TimeZone: "Europe/Berlin", Days: []string{"sat"}, Wake: "10:00", Sleep: "02:00"}
	if got := scheduleFormOfSpec(saved).schedule(); !reflect.DeepEqual(got, saved) {
		t.Errorf("%+v became %+v", saved, got)
	}
	if got := scheduleFormOfSpec(nil).schedule(); got != nil {
		t.Errorf("none became %+v", got)
	}
}

func TestComesWords(t *testing.T) {
	t.Parallel()
	s := (&model.Spec{Schedule: &model.Schedule{TimeZone: "Asia/Tokyo", Wake: "09:00", Sleep: "19:00"}}).WithDefaults().Schedule
	tokyo := time.FixedZone("", 9*60*60)
	for _, tc := range []struct {
		phase model.Phase
		now   time.Time // 2026-11-27 is a Friday
		want  string
	}{
		{model.PhaseReady, time.Date(2026, 11, 27, 12, 0, 0, 0, tokyo), "Sleeps today at 19:00 JST by its schedule."},
		{model.PhaseAsleep, time.Date(2026, 11, 27, 12, 0, 0, 0, tokyo), "Wakes on Monday at 09:00 JST by its schedule."},
		{model.PhaseAsleep, time.Date(2026, 11, 26, 20, 0, 0, 0, tokyo), "Wakes tomorrow at 09:00 JST by its schedule."},
		{model.PhaseReady, time.Date(2026, 11, 27, 22, 0, 0, 0, tokyo), "Sleeps on Monday at 19:00 JST by its schedule."},
		{model.PhaseRegistered, time.Date(2026, 11, 27, 12, 0, 0, 0, tokyo), ""},
		{model.PhaseDestroyed, time.Date(2026, 11, 27, 12, 0, 0, 0, tokyo), ""},
	} {
		if got := comesWords(s, tc.phase, tc.now); got != tc.want {
			t.Errorf("%s at %s: %q, want %q", tc.phase, tc.now, got, tc.want)
		}
	}
	if got := comesWords(nil, model.PhaseReady, sampleNow); got != "" {
		t.Errorf("without a schedule: %q", got)
	}
	if got := scheduleWords(s); got != "awake mon to fri, 09:00 to 19:00, Asia/Tokyo" {
		t.Error(got)
	}
}
