package panel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/store"
)

// batchWork is a batch on its way: what was found out about its items.
type batchWork struct {
	panel    *Panel
	actor    model.Actor
	batch    Batch
	teamID   string
	rows     []BatchRow
	backends []*model.Backend // as they will be saved, or as they are; nil for refused items
	plans    []*model.Plan    // of those that are provisioned
}

func (w *batchWork) result(id string) *BatchResult {
	return &BatchResult{ID: id, DryRun: w.batch.DryRun, Rows: w.rows}
}

// look finds out what each item would do. Nothing is written.
func (w *batchWork) look(ctx context.Context) error {
	n := len(w.batch.Items)
	w.rows, w.backends, w.plans = make([]BatchRow, n), make([]*model.Backend, n), make([]*model.Plan, n)
	envs, err := w.panel.Store.Read().Environments(ctx)
	if err != nil {
		return err
	}
	names := make([]string, n)
	for i, item := range w.batch.Items {
		names[i] = item.Name
	}
	have, err := w.panel.Store.Read().Backends(ctx, store.BackendQuery{TeamIDs: []string{w.teamID}, Names: names})
	if err != nil {
		return err
	}
	byName := map[string]*model.Backend{}
	for i := range have {
		byName[have[i].Name] = &have[i]
	}
	first := map[string]int{}
	for i := range w.batch.Items {
		if err := w.judge(i, envs, byName); err != nil {
			return err
		}
		name := w.batch.Items[i].Name
		if at, twice := first[name]; twice && name != "" {
			w.refuse(i, model.Field{Path: "name", Message: fmt.Sprintf("The name stands there twice; entry %d has it already.", at+1)})
		} else {
			first[name] = i
		}
	}
	return w.ask(ctx, envs)
}

// judge decides what can be known of an item without asking AWS.
func (w *batchWork) judge(i int, envs []model.Environment, byName map[string]*model.Backend) error {
	item := &w.batch.Items[i]
	row := &w.rows[i]
	*row = BatchRow{Name: item.Name, Outcome: OutcomeNew, Provision: w.batch.Provision}
	now := w.panel.Store.Now().Add(-time.Duration(i) * time.Millisecond) // lists, newest first, keep the batch's order
	b := newBackend(w.teamID, item.Name, item.Spec, now)
	w.backends[i] = b
	w.refuse(i, item.Refused...)
	env, err := chooseEnvironment(envs, item.EnvironmentID)
	if err != nil {
		w.refuse(i, fieldsOf(err)...)
	} else {
		b.EnvironmentID, row.EnvironmentName = env.ID, env.Name
	}
	w.refuse(i, fieldsOf(validate(b))...)
	if row.Outcome == OutcomeInvalid {
		return nil
	}
	old := byName[item.Name]
	if old == nil {
		return nil
	}
	differences, err := differences(old, b)
	if err != nil {
		return err
	}
	row.Backend, w.backends[i] = old, old
	row.Outcome, row.Provision = OutcomeUnchanged, w.batch.Provision && startable(old)
	if len(differences) > 0 {
		row.Outcome, row.Provision, row.Fields = OutcomeConflict, false, differences
	}
	return nil
}

// refuse makes an item invalid. A field that was refused already stays as it was.
func (w *batchWork) refuse(i int, fields ...model.Field) {
	row := &w.rows[i]
	for _, f := range fields {
		row.Outcome, row.Provision = OutcomeInvalid, false
		known := slices.ContainsFunc(row.Fields, func(x model.Field) bool { return x.Path == f.Path && f.Path != "" })
		if !known {
			row.Fields = append(row.Fields, f)
		}
	}
}

// ask asks AWS, environment by environment, about all that would be
// registered or provisioned, and makes the plans.
func (w *batchWork) ask(ctx context.Context, envs []model.Environment) error {
	for e := range envs {
		var at []int
		var bs []*model.Backend
		for i, b := range w.backends {
			if b.EnvironmentID == envs[e].ID && (w.rows[i].Outcome == OutcomeNew || w.rows[i].Provision) {
				at, bs = append(at, i), append(bs, b)
			}
		}
		if len(bs) == 0 {
			continue
		}
		chains, err := w.panel.Cloud.Chains(ctx, &envs[e], bs)
		if err != nil {
			return err
		}
		for n, i := range at {
			if err := w.plan(ctx, i, &envs[e], chains[n]); err != nil {
				return err
			}
		}
	}
	return nil
}

// plan makes the plan of one item, or refuses it for what AWS said.
func (w *batchWork) plan(ctx context.Context, i int, env *model.Environment, chain Chain) error {
	w.refuse(i, fieldsOf(refuse(chain.Findings))...)
	if !w.rows[i].Provision {
		return nil
	}
	var have []model.Resource
	if w.rows[i].Outcome == OutcomeUnchanged {
		var err error
		if have, err = w.panel.Store.Read().Resources(ctx, w.backends[i].ID); err != nil {
			return err
		}
	}
	plan, err := w.panel.converge(w.backends[i], provision.Wanted{Operation: model.OpProvision, Chain: chain.Items, Findings: chain.Findings}, have)
	if err != nil {
		return err
	}
	w.panel.price(plan, w.backends[i], env, have)
	w.plans[i] = plan
	return nil
}

// fieldsOf are the fields that a refusal names.
func fieldsOf(err error) []model.Field {
	var e *model.Error
	if !errors.As(err, &e) {
		return nil
	}
	return e.Fields
}

// differences says where the batch asks for something else than what exists.
func differences(old, asked *model.Backend) ([]model.Field, error) {
	var fields []model.Field
	if old.EnvironmentID != asked.EnvironmentID {
		fields = append(fields, model.Field{Path: "environment_id", Message: "A backend of this name exists in another environment. Choose another name."})
	}
	is, err := flatten(old.Spec)
	if err != nil {
		return nil, err
	}
	wanted, err := flatten(asked.Spec)
	if err != nil {
		return nil, err
	}
	paths := slices.AppendSeq(slices.Collect(maps.Keys(is)), maps.Keys(wanted))
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if is[path] != wanted[path] {
			fields = append(fields, model.Field{Path: path, Message: fmt.Sprintf(
				"A backend of this name exists with another value: it has %s, this asks for %s. Choose another name, or write what it has.",
				valueWords(is[path]), valueWords(wanted[path]))})
		}
	}
	return fields, nil
}

// flatten lists a spec's values by path. Lists are one value.
func flatten(spec model.Spec) (map[string]string, error) {
	text, err := json.Marshal(spec)
	if err != nil {
		return nil, fmt.Errorf("marshal a spec: %w", err)
	}
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(text, &tree); err != nil {
		return nil, fmt.Errorf("read a spec: %w", err)
	}
	flat := map[string]string{}
	for key, value := range tree {
		var inner map[string]json.RawMessage
		if key == "tags" || json.Unmarshal(value, &inner) != nil {
			flat["spec."+key] = string(value)
			continue
		}
		for k, v := range inner {
			flat["spec."+key+"."+k] = string(v)
		}
	}
	return flat, nil
}

// maxValue bounds how much of a value a message quotes.
const maxValue = 60

func valueWords(v string) string {
	switch {
	case v == "":
		return "nothing"
	case len(v) > maxValue:
		return strings.ToValidUTF8(v[:maxValue], "") + "…"
	}
	return v
}
