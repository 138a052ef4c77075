package web

import (
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// addButtons offers what can be asked of the job. A button that makes sense
// in the job's state and is not allowed now says why; one that takes a higher
// role than the actor's is not shown.
func (h *jobHead) addButtons(d *panel.JobDetail, actor model.Actor) {
	undone := d.RolledBackBy != "" && !d.Actions.RollBack.Allowed // the link to the roll back says all
	if !panel.May(actor, panel.ProvisionBackends, d.TeamID) || undone {
		return
	}
	if overtaken(d) {
		return // nothing is left to decide about
	}
	if d.Operation == model.OpCleanUp && panel.MayAnywhere(actor, panel.SeeOrphans) {
		h.Related = &jobLink{"This job deletes what nothing accounts for.", "Go to the orphans", pathEnvironmentOrphans(d.Backend.EnvironmentID)}
	}
	if d.Problem != nil && d.Problem.Code == model.CodeLeftBehind && panel.MayAnywhere(actor, panel.SeeOrphans) {
		h.Orphans = jobButton{URL: pathEnvironmentOrphans(d.Backend.EnvironmentID)}
	}
	if !d.State.Ended() && h.Stopping == "" {
		h.Cancel = newJobButton(pathJobCancel(d.ID), d.Actions.Cancel)
	}
	if stopped(d) && panel.May(actor, panel.PermissionFor(d.Operation), d.TeamID) {
		h.Retry = newJobButton(pathJobRetry(d.ID), d.Actions.Retry)
	}
	if d.Operation == model.OpProvision && d.State != model.JobSucceeded && d.RollBackBy == "" || d.Operation == model.OpUpdate && stopped(d) {
		h.RollBack = newJobButton(pathJobRollBack(d.ID), d.Actions.RollBack)
	}
	if stopped(d) && d.Operation != model.OpDestroy && d.Operation != model.OpCleanUp && panel.May(actor, panel.DestroyBackends, d.TeamID) &&
		d.Backend.ActiveJobID == "" && d.Backend.Phase.Allows(model.OpDestroy) {
		h.Destroy = jobButton{URL: pathBackendPlan(d.BackendID, model.OpDestroy)}
	}
}

func newJobButton(url string, a panel.JobAction) jobButton {
	if a.Allowed {
		return jobButton{URL: url}
	}
	b := jobButton{Why: a.Why}
	if a.Holder != "" {
		b.HolderURL = pathJob(a.Holder)
	}
	return b
}

// stoppingWords says that cancel was asked for, and what follows.
func stoppingWords(d *panel.JobDetail) string {
	switch {
	case d.State.Ended() || d.CancelRequestedAt.IsZero():
		return ""
	case d.RollBackBy != "":
		return "Cancel was asked for. The job stops before its next change in AWS; then what it made is deleted."
	}
	return "Cancel was asked for. The job stops before its next change in AWS; what was made stays and is listed below."
}

// overtaken tells whether the job has ended and the sandbox with it: all that
// it made is destroyed, whatever somebody would rather do.
func overtaken(d *panel.JobDetail) bool {
	return d.State.Ended() && d.Operation != model.OpDestroy && d.Sandbox != nil && d.Sandbox.State() != model.SandboxLives
}

// stopped tells that the job came to an end before its work was done.
func stopped(d *panel.JobDetail) bool {
	return d.State == model.JobFailed || d.State == model.JobCancelled
}

// relatedJob leads from a job to its roll back and from there back to it, and
// from one that stopped to what was done instead.
func relatedJob(d *panel.JobDetail) *jobLink {
	switch {
	case overtaken(d) && d.Next != nil && d.Next.Operation == model.OpDestroy:
		return &jobLink{"This sandbox " + endWords(d.Sandbox) + "; what this job made is deleted by another one.", "Go to the job that destroys it", pathJob(d.Next.ID)}
	case overtaken(d):
		return &jobLink{Words: "This sandbox " + endWords(d.Sandbox) + ": what this job made is destroyed next."}
	case d.Undoes != "":
		return &jobLink{"This job deletes what another one made.", "Go to the job that is rolled back", pathJob(d.Undoes)}
	case d.RolledBackBy != "":
		return &jobLink{"What this job made is deleted by another one.", "Go to the roll back", pathJob(d.RolledBackBy)}
	case stopped(d) && d.Next != nil:
		return &jobLink{"Another job came after this one.", "Go to the job: " + operationWord(d.Next.Operation), pathJob(d.Next.ID)}
	}
	return nil
}

func endWords(x *model.Sandbox) string {
	if x.State() == model.SandboxGone {
		return "has ended"
	}
	return "ends"
}
