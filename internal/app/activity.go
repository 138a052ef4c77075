package app

import (
	"slices"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// activity is the record of the embedded simulated AWS; other environments
// keep theirs where AWS keeps it.
func (a *App) activity(env *model.Environment) panel.Activity {
	if a.Sim == nil || env.Endpoint != a.Sim.URL() {
		return nil
	}
	return simActivity{a.Sim.Sim}
}

type simActivity struct{ sim *awssim.Sim }

func (s simActivity) Calls(limit int) []model.APICall {
	all := s.sim.Calls()
	all = all[max(0, len(all)-limit):]
	calls := make([]model.APICall, 0, len(all))
	for _, c := range slices.Backward(all) {
		calls = append(calls, model.APICall{
			At: c.Start, Service: c.Service, Operation: c.Operation, Status: c.Status, Code: c.Code,
			Millis: float64(c.End.Sub(c.Start).Microseconds()) / 1000, RequestID: c.RequestID, IDs: c.IDs,
		})
	}
	return calls
}

func (s simActivity) AccessLogs(resources []string, limit int) []model.AccessLog {
	var logs []model.AccessLog
	for _, id := range resources {
		for _, l := range s.sim.AccessLogs(awssim.AccessLogQuery{ID: id, Limit: limit}) {
			logs = append(logs, model.AccessLog{
				At: l.Time, Source: l.Kind, Resource: l.ID, Method: l.Method, Path: l.Path, Status: l.Status,
				Upstream: l.Behind, Millis: float64(l.Latency.Total.Microseconds()) / 1000, RequestID: l.RequestID, Line: l.Line,
			})
		}
	}
	slices.SortStableFunc(logs, func(a, b model.AccessLog) int { return b.At.Compare(a.At) })
	return logs[:min(len(logs), limit)]
}
