package ui

import (
	"strconv"
	"strings"

	"drawbridge/internal/model"
)

// Tone is the colour family of a state.
type Tone string

// The six tones. Colour never speaks alone: a word and an icon go with it.
const (
	ToneOff  Tone = "off"  // nothing there
	ToneIdle Tone = "idle" // there, at rest, or waiting its turn
	ToneBusy Tone = "busy" // moving
	ToneOK   Tone = "ok"
	ToneWarn Tone = "warn"
	ToneBad  Tone = "bad"
)

// State is how one state of the model looks everywhere.
type State struct {
	Value string // the model's own word, for data-state
	Word  string
	Tone  Tone
	Icon  string
}

// PhaseState shows a backend's phase.
func PhaseState(p model.Phase) State {
	s := State{Value: string(p)}
	switch p {
	case model.PhaseRegistered:
		s.Word, s.Tone, s.Icon = "Registered", ToneIdle, "circle"
	case model.PhaseProvisioning:
		s.Word, s.Tone, s.Icon = "Provisioning", ToneBusy, "loader"
	case model.PhaseReady:
		s.Word, s.Tone, s.Icon = "Ready", ToneOK, "check"
	case model.PhaseDegraded:
		s.Word, s.Tone, s.Icon = "Degraded", ToneWarn, "alert"
	case model.PhaseUpdating:
		s.Word, s.Tone, s.Icon = "Updating", ToneBusy, "loader"
	case model.PhaseAsleep:
		s.Word, s.Tone, s.Icon = "Asleep", ToneIdle, "moon"
	case model.PhaseRollingBack:
		s.Word, s.Tone, s.Icon = "Rolling back", ToneBusy, "loader"
	case model.PhaseDestroying:
		s.Word, s.Tone, s.Icon = "Destroying", ToneBusy, "loader"
	case model.PhaseDestroyed:
		s.Word, s.Tone, s.Icon = "Destroyed", ToneOff, "minus"
	case model.PhaseFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	default:
		return unknown(s.Value)
	}
	return s
}

// JobState shows the state of a job.
func JobState(j model.JobState) State {
	s := State{Value: string(j)}
	switch j {
	case model.JobQueued:
		s.Word, s.Tone, s.Icon = "Queued", ToneIdle, "clock"
	case model.JobRunning:
		s.Word, s.Tone, s.Icon = "Running", ToneBusy, "loader"
	case model.JobWaiting:
		s.Word, s.Tone, s.Icon = "Waiting", ToneBusy, "clock"
	case model.JobSucceeded:
		s.Word, s.Tone, s.Icon = "Done", ToneOK, "check"
	case model.JobFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	case model.JobCancelled:
		s.Word, s.Tone, s.Icon = "Cancelled", ToneWarn, "minus"
	default:
		return unknown(s.Value)
	}
	return s
}

// AuditState shows what became of an audited action.
func AuditState(o model.AuditOutcome) State {
	s := State{Value: string(o)}
	switch o {
	case model.AuditDone:
		s.Word, s.Tone, s.Icon = "Done", ToneOK, "check"
	case model.AuditRefused:
		s.Word, s.Tone, s.Icon = "Refused", ToneBad, "x"
	case model.AuditThrottled:
		s.Word, s.Tone, s.Icon = "Throttled", ToneWarn, "clock"
	default:
		return unknown(s.Value)
	}
	return s
}

// StepState shows the state of a step.
func StepState(st model.StepState) State {
	s := State{Value: string(st)}
	switch st {
	case model.StepPending:
		s.Word, s.Tone, s.Icon = "Pending", ToneIdle, "circle"
	case model.StepStarted:
		s.Word, s.Tone, s.Icon = "Running", ToneBusy, "loader"
	case model.StepWaiting:
		s.Word, s.Tone, s.Icon = "Waiting", ToneBusy, "clock"
	case model.StepDone:
		s.Word, s.Tone, s.Icon = "Done", ToneOK, "check"
	case model.StepFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	case model.StepSkipped:
		s.Word, s.Tone, s.Icon = "Skipped", ToneOff, "minus"
	default:
		return unknown(s.Value)
	}
	return s
}

// ResourceState shows the state of a resource or of a hop of the chain.
func ResourceState(r model.ResourceState) State {
	s := State{Value: string(r)}
	switch r {
	case "":
		s.Value, s.Word, s.Tone, s.Icon = "absent", "Not made yet", ToneOff, "circle"
	case model.ResourcePlanned:
		s.Word, s.Tone, s.Icon = "Starting", ToneBusy, "loader"
	case model.ResourcePending:
		s.Word, s.Tone, s.Icon = "Coming up", ToneBusy, "loader"
	case model.ResourceReady:
		s.Word, s.Tone, s.Icon = "Ready", ToneOK, "check"
	case model.ResourceFailed:
		s.Word, s.Tone, s.Icon = "Failed", ToneBad, "x"
	case model.ResourceDeleting:
		s.Word, s.Tone, s.Icon = "Deleting", ToneBusy, "loader"
	case model.ResourceGone:
		s.Word, s.Tone, s.Icon = "Gone", ToneOff, "minus"
	default:
		return unknown(s.Value)
	}
	return s
}

// Verdict shows whether a route test passed.
func Verdict(passed bool) State {
	if passed {
		return State{Value: "passed", Word: "Passed", Tone: ToneOK, Icon: "check"}
	}
	return State{Value: "failed", Word: "Failed", Tone: ToneBad, Icon: "x"}
}

// SeverityState shows how grave a finding is.
func SeverityState(v model.Severity) State {
	s := State{Value: string(v)}
	switch v {
	case model.SeverityError:
		s.Word, s.Tone, s.Icon = "Must be mended", ToneBad, "x"
	case model.SeverityWarning:
		s.Word, s.Tone, s.Icon = "Read this first", ToneWarn, "alert"
	default:
		s.Word, s.Tone, s.Icon = "Note", ToneIdle, "info"
	}
	return s
}

// ActionState shows what a plan does to a resource.
func ActionState(a model.Action) State {
	s := State{Value: string(a)}
	switch a {
	case model.ActionCreate:
		s.Word, s.Tone, s.Icon = "Create", ToneOK, "plus"
	case model.ActionUpdate:
		s.Word, s.Tone, s.Icon = "Update", ToneWarn, "loader"
	case model.ActionReplace:
		s.Word, s.Tone, s.Icon = "Replace", ToneWarn, "loader"
	case model.ActionDelete:
		s.Word, s.Tone, s.Icon = "Delete", ToneBad, "trash"
	case model.ActionLetGo:
		s.Word, s.Tone, s.Icon = "Let go", ToneIdle, "minus"
	case model.ActionKeep:
		s.Word, s.Tone, s.Icon = "Keep", ToneIdle, "check"
	case model.ActionUse:
		s.Word, s.Tone, s.Icon = "Use", ToneIdle, "link"
	case model.ActionCheck:
		s.Word, s.Tone, s.Icon = "Check", ToneIdle, "play"
	default:
		return unknown(s.Value)
	}
	return s
}

// unknown keeps a page readable when a newer server wrote the row.
func unknown(value string) State {
	return State{Value: value, Word: value, Tone: ToneIdle, Icon: "circle"}
}

// StatusState shows the status of an HTTP answer with the error code that came
// with it, if any; 0 is no answer.
func StatusState(status int, code string) State {
	s := State{Value: strconv.Itoa(status), Word: strings.TrimSpace(strconv.Itoa(status) + " " + code), Tone: ToneOK, Icon: "check"}
	switch {
	case status == 0:
		s.Word, s.Tone, s.Icon = "no answer", ToneBad, "x"
	case status >= 500:
		s.Tone, s.Icon = ToneBad, "x"
	case status >= 400:
		s.Tone, s.Icon = ToneWarn, "alert"
	}
	return s
}
