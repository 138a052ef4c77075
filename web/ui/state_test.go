package ui

import (
	"testing"

	"drawbridge/internal/model"
)

// everyState lists what each of the model's states looks like.
func everyState() map[string][]State {
	return map[string][]State{
		"phase": {
			PhaseState(model.PhaseRegistered), PhaseState(model.PhaseProvisioning), PhaseState(model.PhaseReady),
			PhaseState(model.PhaseDegraded), PhaseState(model.PhaseUpdating), PhaseState(model.PhaseDestroying),
			PhaseState(model.PhaseDestroyed), PhaseState(model.PhaseFailed), PhaseState(model.PhaseRollingBack), PhaseState(model.PhaseAsleep),
		},
		"job": {
			JobState(model.JobQueued), JobState(model.JobRunning), JobState(model.JobWaiting),
			JobState(model.JobSucceeded), JobState(model.JobFailed), JobState(model.JobCancelled),
		},
		"step": {
			StepState(model.StepPending), StepState(model.StepStarted), StepState(model.StepWaiting),
			StepState(model.StepDone), StepState(model.StepFailed), StepState(model.StepSkipped),
		},
		"resource": {
			ResourceState(""), ResourceState(model.ResourcePlanned), ResourceState(model.ResourcePending),
			ResourceState(model.ResourceReady), ResourceState(model.ResourceFailed),
			ResourceState(model.ResourceDeleting), ResourceState(model.ResourceGone),
		},
		"action": {
			ActionState(model.ActionCreate), ActionState(model.ActionUpdate), ActionState(model.ActionReplace),
			ActionState(model.ActionDelete), ActionState(model.ActionKeep), ActionState(model.ActionUse), ActionState(model.ActionCheck), ActionState(model.ActionLetGo),
		},
		"severity": {SeverityState(model.SeverityError), SeverityState(model.SeverityWarning), SeverityState(model.SeverityInfo)},
		"verdict":  {Verdict(true), Verdict(false)},
	}
}

func TestEveryStateHasItsWordToneAndIcon(t *testing.T) {
	t.Parallel()
	dot := iconPaths("there is no such icon")[0]
	for kind, states := range everyState() {
		words := map[string]bool{}
		for _, s := range states {
			if s.Value == "" || s.Word == "" || s.Word == s.Value || s.Tone == "" {
				t.Errorf("%s: %+v is not complete", kind, s)
			}
			if words[s.Word] {
				t.Errorf("%s: two states are called %q", kind, s.Word)
			}
			words[s.Word] = true
			if iconPaths(s.Icon)[0] == dot {
				t.Errorf("%s: %s has no icon %q", kind, s.Value, s.Icon)
			}
		}
	}
}

func TestTheSameWordHasTheSameTone(t *testing.T) {
	t.Parallel()
	tones := map[string]Tone{}
	for _, kind := range []string{"phase", "job", "step", "resource"} {
		for _, s := range everyState()[kind] {
			if old, ok := tones[s.Word]; ok && old != s.Tone {
				t.Errorf("%q is %s and %s", s.Word, old, s.Tone)
			}
			tones[s.Word] = s.Tone
		}
	}
}

func TestAStateOfANewerServerStaysReadable(t *testing.T) {
	t.Parallel()
	for _, s := range []State{PhaseState("parked"), JobState("parked"), StepState("parked"), ResourceState("parked"), ActionState("parked")} {
		if s.Word != "parked" || s.Tone != ToneIdle {
			t.Errorf("got %+v", s)
		}
	}
}
