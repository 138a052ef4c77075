package kinds_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"drawbridge/internal/awsapi"
	"drawbridge/internal/model"
	"drawbridge/internal/provision"
	"drawbridge/internal/provision/kinds"
)

// harness walks a chain node by node, as the executor does, but in one
// goroutine and without a journal.
type harness struct {
	t         *testing.T
	ctx       context.Context
	pool      *awsapi.Pool
	clients   *awsapi.Clients
	env       *model.Environment
	backend   *model.Backend
	kinds     map[model.ResourceKind]provision.Kind
	items     []model.PlanItem
	resources map[string]*model.Resource
}

// prober answers as if the whole chain carried the request.
type prober struct{ url string }

func (p prober) Answer(ctx context.Context, _ *model.Environment, _ string) (int, http.Header, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url, nil)
	if err != nil {
		return 0, nil, nil, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	return resp.StatusCode, resp.Header, nil, nil
}

func newProber(t *testing.T) prober {
	t.Helper()
	app := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }))
	t.Cleanup(app.Close)
	return prober{app.URL}
}

// unpaced is for endpoints that have no rates to respect.
func unpaced(string, string) []awsapi.Bucket { return nil }

const install = "ins_test"

func newHarness(t *testing.T, env *model.Environment, spec model.Spec, p kinds.Prober) *harness {
	t.Helper()
	pool := awsapi.New(awsapi.Options{InstallID: install, Rates: unpaced})
	h := &harness{
		t: t, ctx: t.Context(), pool: pool, env: env, kinds: map[model.ResourceKind]provision.Kind{},
		backend: &model.Backend{
			ID: model.NewID(model.PrefixBackend), Name: "orders-api", Spec: spec.WithDefaults(), SpecVersion: 1,
		},
		resources: map[string]*model.Resource{},
	}
	if err := h.backend.Spec.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if h.clients, err = pool.Clients(h.ctx, env); err != nil {
		t.Fatal(err)
	}
	for _, k := range kinds.Registry(pool, p) {
		h.kinds[k.Name()] = k
	}
	return h
}

// plan gathers the facts and lists the chain.
func (h *harness) plan() []model.Finding {
	h.t.Helper()
	facts, findings, err := kinds.Gather(h.ctx, h.clients, h.backend, h.env)
	if err != nil {
		h.t.Fatal(err)
	}
	h.items = kinds.Chain(h.backend, h.env, facts)
	return findings
}

func (h *harness) resource(item model.PlanItem) *model.Resource {
	if r := h.resources[item.Key]; r != nil {
		return r
	}
	r := &model.Resource{
		BackendID: h.backend.ID, Key: item.Key, Kind: item.Kind, Name: item.Name, Ownership: item.Ownership,
		State: model.ResourcePlanned, Params: item.Params, CreatedAt: time.Now(),
	}
	for _, n := range item.Needs {
		r.Needs = append(r.Needs, n.Key)
	}
	h.resources[item.Key] = r
	return r
}

// inputs holds exactly the needs that the chain declares, so that a forgotten
// edge shows.
func (h *harness) inputs(item model.PlanItem) provision.Inputs {
	in := provision.Inputs{Backend: h.backend, Environment: h.env, Now: time.Now, Needs: map[string]*model.Resource{}}
	for _, n := range item.Needs {
		in.Needs[n.Key] = h.resources[n.Key]
	}
	return in
}

// inputsToDelete are everything that is known, as the executor gives it.
func (h *harness) inputsToDelete() provision.Inputs {
	return provision.Inputs{Backend: h.backend, Environment: h.env, Now: time.Now, Needs: h.resources}
}

// eventually calls f until it is done, while AWS is busy with something.
func (h *harness) eventually(what string, f func() (done bool, why string)) {
	h.t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	deadline := time.NewTimer(2 * time.Minute)
	defer deadline.Stop()
	for {
		done, why := f()
		if done {
			return
		}
		select {
		case <-tick.C:
		case <-deadline.C:
			h.t.Fatalf("%s: still not: %s", what, why)
		}
	}
}

// make brings one node into being and waits until it is ready.
func (h *harness) make(item model.PlanItem) {
	h.t.Helper()
	kind, r, in := h.kinds[item.Kind], h.resource(item), h.inputs(item)
	h.eventually("make "+item.Key, func() (bool, string) {
		obs, err := kind.Find(h.ctx, in, r)
		if errors.Is(err, provision.ErrNotFound) {
			obs, err = kind.Apply(h.ctx, in, r)
		}
		var notYet *provision.NotYet
		switch {
		case errors.As(err, &notYet):
			return false, notYet.Why
		case awsapi.MayHelpLater(err): // looks again before it sends again
			return false, err.Error()
		case err != nil:
			h.t.Fatalf("make %s: %v", item.Key, err)
		case obs.Failed != nil:
			h.t.Fatalf("make %s: %+v", item.Key, obs.Failed)
		}
		h.take(r, obs)
		return obs.Ready, obs.Why
	})
	r.State = model.ResourceReady
}

func (h *harness) take(r *model.Resource, obs provision.Observed) {
	if obs.AWSID != "" {
		r.AWSID = obs.AWSID
	}
	r.Outputs = obs.Outputs
	if obs.Foreign {
		r.Ownership = model.OwnershipReferenced
	}
}

func (h *harness) makeAll() {
	h.t.Helper()
	for _, item := range h.items {
		h.make(item)
	}
}

// unmake deletes one node and waits until it is gone.
func (h *harness) unmake(item model.PlanItem) {
	h.t.Helper()
	kind, r, in := h.kinds[item.Kind], h.resources[item.Key], h.inputsToDelete()
	if r == nil || r.Ownership != model.OwnershipManaged {
		return
	}
	r.State = model.ResourceDeleting
	h.eventually("delete "+item.Key, func() (bool, string) {
		err := kind.Delete(h.ctx, in, r)
		var notYet *provision.NotYet
		if errors.As(err, &notYet) {
			return false, notYet.Why
		}
		if err != nil && !errors.Is(err, provision.ErrNotFound) {
			h.t.Fatalf("delete %s: %v", item.Key, err)
		}
		return true, ""
	})
	h.eventually("wait until gone: "+item.Key, func() (bool, string) {
		obs, err := kind.Find(h.ctx, in, r)
		if errors.Is(err, provision.ErrNotFound) || err == nil && obs.Gone {
			return true, ""
		}
		if err != nil {
			h.t.Fatalf("find %s: %v", item.Key, err)
		}
		return false, obs.Why
	})
	if err := kind.Delete(h.ctx, in, r); err != nil && !errors.Is(err, provision.ErrNotFound) {
		h.t.Errorf("delete %s, which is gone: %v", item.Key, err)
	}
}

func (h *harness) unmakeAll() {
	h.t.Helper()
	for i := len(h.items) - 1; i >= 0; i-- {
		h.unmake(h.items[i])
	}
}

// owned is everything in AWS that carries the backend's tags.
func (h *harness) owned() []awsapi.Owned {
	h.t.Helper()
	all, err := h.clients.OwnedByTag(h.ctx, install, h.backend.ID)
	if err != nil {
		h.t.Fatal(err)
	}
	return all
}
