package model_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"drawbridge/internal/model"
)

func TestPhaseAfter(t *testing.T) {
	t.Parallel()
	none, some, whole := model.Holdings{}, model.Holdings{Managed: 3}, model.Holdings{Managed: 18, Whole: true}
	asleep := model.Holdings{Managed: 17, Whole: true, Asleep: true}
	for _, tc := range []struct {
		op    model.Operation
		state model.JobState
		have  model.Holdings
		want  model.Phase
	}{
		{model.OpProvision, model.JobQueued, none, model.PhaseProvisioning},
		{model.OpProvision, model.JobRunning, some, model.PhaseProvisioning},
		{model.OpProvision, model.JobSucceeded, whole, model.PhaseReady},
		{model.OpProvision, model.JobFailed, some, model.PhaseFailed},
		{model.OpProvision, model.JobFailed, whole, model.PhaseFailed},
		{model.OpProvision, model.JobCancelled, none, model.PhaseRegistered},
		{model.OpProvision, model.JobCancelled, some, model.PhaseFailed},
		{model.OpProvision, model.JobCancelled, whole, model.PhaseReady},
		{model.OpRollBack, model.JobQueued, some, model.PhaseRollingBack},
		{model.OpRollBack, model.JobWaiting, whole, model.PhaseRollingBack},
		{model.OpRollBack, model.JobSucceeded, none, model.PhaseRegistered},
		{model.OpRollBack, model.JobSucceeded, some, model.PhaseFailed},
		{model.OpRollBack, model.JobSucceeded, whole, model.PhaseReady},
		{model.OpRollBack, model.JobFailed, none, model.PhaseFailed},
		{model.OpRollBack, model.JobCancelled, some, model.PhaseFailed},
		{model.OpDestroy, model.JobRunning, some, model.PhaseDestroying},
		{model.OpDestroy, model.JobSucceeded, none, model.PhaseDestroyed},
		{model.OpDestroy, model.JobFailed, some, model.PhaseFailed},
		{model.OpDestroy, model.JobCancelled, none, model.PhaseFailed},
		{model.OpDestroy, model.JobCancelled, some, model.PhaseFailed},
		{model.OpDestroy, model.JobCancelled, whole, model.PhaseReady},
		{model.OpDestroy, model.JobCancelled, asleep, model.PhaseAsleep},
		{model.OpProvision, model.JobCancelled, asleep, model.PhaseAsleep},
		{model.OpUpdate, model.JobQueued, whole, model.PhaseUpdating},
		{model.OpUpdate, model.JobSucceeded, whole, model.PhaseReady},
		{model.OpUpdate, model.JobFailed, whole, model.PhaseFailed},
		{model.OpUpdate, model.JobCancelled, whole, model.PhaseReady},
		{model.OpUpdate, model.JobCancelled, some, model.PhaseFailed},
		{model.OpUpdate, model.JobCancelled, asleep, model.PhaseAsleep},
		{model.OpSleep, model.JobRunning, whole, model.PhaseUpdating},
		{model.OpSleep, model.JobSucceeded, asleep, model.PhaseAsleep},
		{model.OpSleep, model.JobFailed, some, model.PhaseFailed},
		{model.OpSleep, model.JobCancelled, whole, model.PhaseReady},
		{model.OpSleep, model.JobCancelled, some, model.PhaseFailed},
		{model.OpWake, model.JobRunning, asleep, model.PhaseUpdating},
		{model.OpWake, model.JobSucceeded, whole, model.PhaseReady},
		{model.OpWake, model.JobCancelled, asleep, model.PhaseAsleep},
		{model.OpWake, model.JobCancelled, some, model.PhaseFailed},
	} {
		if got := model.PhaseAfter(tc.op, tc.state, tc.have); got != tc.want {
			t.Errorf("%s %s with %+v: %s, want %s", tc.op, tc.state, tc.have, got, tc.want)
		}
	}
}

func TestRole_AtLeast(t *testing.T) {
	t.Parallel()
	order := []model.Role{model.RoleViewer, model.RoleDeveloper, model.RoleOwner, model.RoleAdmin}
	for i, have := range order {
		for j, want := range order {
			if got := have.AtLeast(want); got != (i >= j) {
				t.Errorf("%s at least %s: %v", have, want, got)
			}
		}
	}
	if model.Role("").AtLeast("") || model.Role("root").AtLeast(model.RoleViewer) {
		t.Error("an unknown role has rights")
	}
	if (model.Actor{}).Sees("") {
		t.Error("the zero actor sees something")
	}
}

func TestErrorf_keepsTheCauseFromTheUser(t *testing.T) {
	t.Parallel()
	err := model.Errorf(model.CodeUnavailable, "The database does not answer: %w", io.ErrUnexpectedEOF)
	if err.Message != "The database does not answer" {
		t.Errorf("the user reads %q", err.Message)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost to the log")
	}
	if code := model.CodeOf(fmt.Errorf("wrapped: %w", err)); code != model.CodeUnavailable {
		t.Errorf("code %s", code)
	}
	if code := model.CodeOf(io.EOF); code != model.CodeInternal {
		t.Errorf("a foreign error is %s", code)
	}
}

func TestEnvironment_Validate(t *testing.T) {
	t.Parallel()
	ok := model.Environment{Name: "aws", Region: "ap-northeast-1", VPCID: "vpc-0a1b2c3d4e5f67890",
		SubnetIDs: []string{"subnet-0a1b2c3d4e5f67890", "subnet-0a1b2c3d4e5f67891"}, Credentials: model.CredentialsDefault}
	if err := ok.Validate(); err != nil {
		t.Fatal(err)
	}
	for field, change := range map[string]func(*model.Environment){
		"name":        func(e *model.Environment) { e.Name = "" },
		"region":      func(e *model.Environment) { e.Region = "tokyo" },
		"vpc_id":      func(e *model.Environment) { e.VPCID = "my-vpc" },
		"subnet_ids":  func(e *model.Environment) { e.SubnetIDs = e.SubnetIDs[:1] },
		"credentials": func(e *model.Environment) { e.Credentials, e.Endpoint = model.CredentialsLocal, "https://aws.example" },
	} {
		e := ok
		change(&e)
		if got := paths(e.Validate()); len(got) != 1 || got[0] != field {
			t.Errorf("%s: refused %v", field, got)
		}
	}
}
