package panel

import (
	"context"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// NoticeFilter narrows Notices. Empty fields narrow nothing.
type NoticeFilter struct {
	TeamID      string // of one team only; one that the actor does not see has none
	Type        string // a type, or the noun before its dot
	Backend     string // an id or a name
	JobID       string
	OldestFirst bool
	After       string // id of the notice that the list goes on after
	Limit       int
}

// Notices lists what the actor's teams should have heard of, newest first
// unless the filter says otherwise. viewer.
func (p *Panel) Notices(ctx context.Context, a model.Actor, f NoticeFilter) ([]model.Notice, error) {
	if err := member(a, SeeNotices); err != nil {
		return nil, err
	}
	teams := teamsWhere(a, SeeNotices)
	if f.TeamID != "" {
		teams = []string{}
		if May(a, SeeNotices, f.TeamID) {
			teams = []string{f.TeamID}
		}
	}
	q := p.Store.Read()
	if f.After != "" {
		n, err := q.NoticeByID(ctx, f.After)
		if err == nil {
			err = allow(a, SeeNotices, n.TeamID, "notice", f.After)
		}
		if err != nil {
			return nil, err
		}
	}
	var backends []string
	if f.Backend != "" {
		named, err := q.Backends(ctx, store.BackendQuery{TeamIDs: teams, Names: []string{f.Backend}, IncludeDestroyed: true})
		if err != nil {
			return nil, err
		}
		backends = []string{f.Backend}
		for _, b := range named {
			backends = append(backends, b.ID)
		}
	}
	return q.Notices(ctx, store.NoticeQuery{
		TeamIDs: teams, Type: f.Type, BackendIDs: backends, JobID: f.JobID, OldestFirst: f.OldestFirst, After: f.After, Limit: f.Limit,
	})
}
