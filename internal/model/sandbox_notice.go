package model

import (
	"fmt"
	"time"
)

// SandboxNotice tells a team of its sandbox; it has a title and a text for
// each type of the noun.
func SandboxNotice(t NoticeType, s *Sandbox, b *Backend) *Notice {
	n := &Notice{TeamID: b.TeamID, Type: t, BackendID: b.ID, JobID: b.ActiveJobID, Data: map[string]string{
		"backend_name": b.Name, "phase": string(b.Phase), "invoke_url": b.InvokeURL, "key": s.Key, "branch": s.Branch,
		"template": s.Template, "made_by": s.MadeByName, "ends_at": s.EndsAt.UTC().Format(time.RFC3339),
	}}
	ends := s.EndsAt.UTC().Format("2006-01-02 15:04 UTC")
	switch t {
	case NoticeSandboxCreated:
		n.Title = b.Name + " is being made"
		n.Text = fmt.Sprintf("%s made the sandbox %s from %s. It ends at %s.", s.MadeByName, b.Name, s.Template, ends)
	case NoticeSandboxEnding:
		n.Title = fmt.Sprintf("%s ends in less than %s", b.Name, spoken(s.Warned))
		n.Text = fmt.Sprintf("The sandbox %s ends at %s and is destroyed then. Extend it if it is still needed.", b.Name, ends)
	case NoticeSandboxExtended:
		n.Title = b.Name + " lives longer"
		n.Text = fmt.Sprintf("The sandbox %s ends at %s now.", b.Name, ends)
	case NoticeSandboxEnded:
		n.Title = b.Name + " has ended"
		n.Text = fmt.Sprintf("The sandbox %s has ended, by %s, and is being destroyed.", b.Name, s.EndedBy)
		n.Data["ended_by"] = s.EndedBy
	case NoticeSandboxEndFailed:
		n.Title = b.Name + " has ended and could not be destroyed"
		n.Text = fmt.Sprintf("Something of the sandbox %s is still there. It is tried again until nothing is; this was try %d.", b.Name, s.Tries)
		if s.Problem != nil {
			n.Text += " " + s.Problem.Code + ": " + s.Problem.Message
			n.Data["problem"] = s.Problem.Code
		}
	}
	return n
}

// spoken is a length of time in words: "2 days", "30 minutes".
func spoken(d time.Duration) string {
	switch {
	case d >= 24*time.Hour:
		return fmt.Sprintf("%d days", d/(24*time.Hour))
	case d >= time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	}
	return fmt.Sprintf("%d minutes", d/time.Minute)
}
