package kinds

import (
	"fmt"

	"drawbridge/internal/model"
)

// Warnings are what a plan does to requests while it is carried out, given the
// resources of before.
func Warnings(plan *model.Plan, have []model.Resource) []model.Finding {
	rows := map[string]*model.Resource{}
	for i := range have {
		rows[have[i].Key] = &have[i]
	}
	var path string      // the new one of the health check
	var serving []string // instances that answer requests until others do
	var answering = true // unless they sleep
	for _, item := range plan.Items {
		r := rows[item.Key]
		if r == nil {
			continue
		}
		leaves := item.Action == model.ActionDelete || item.Action == model.ActionLetGo
		switch {
		case item.Kind == KindTargetGroup && item.Action == model.ActionUpdate && r.Params["health_path"] != item.Params["health_path"]:
			path = item.Params["health_path"]
		case item.Kind == KindInstance && leaves:
			serving = append(serving, item.Key)
		case item.Kind == KindTargets:
			answering = !asleep(r.Params)
		}
	}
	if path == "" || len(serving) == 0 || !answering || !starts(plan) {
		return nil
	}
	return []model.Finding{{
		Severity: model.SeverityWarning, Key: "target-group", Field: "spec.health_path",
		Message: fmt.Sprintf("The health check asks for %s at once: of %s, too, until others take over. If the app there does not answer it with 200, "+
			"it counts as unhealthy, and requests may fail until the new instances are healthy.", path, sentence(serving)),
		Advice: "If the app of now does not answer the new path, put the new instances with the old path first, and the new path after that.",
	}}
}

// starts tells whether the plan has instances join that are not there yet.
func starts(plan *model.Plan) bool {
	for _, item := range plan.Items {
		if item.Kind == KindInstance && (item.Action == model.ActionCreate || item.Action == model.ActionReplace) {
			return true
		}
	}
	return false
}
