package app

import (
	"context"
	"fmt"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

const (
	// reapEvery is how often sandboxes are looked at.
	reapEvery = 2 * time.Second
	// A clock that steps further than maxStep is believed once it has gone on
	// evenly for settle: what is destroyed by a wrong clock does not come back.
	maxStep = time.Minute
	settle  = 2 * time.Minute
)

// reapSandboxes warns of the ends of sandboxes and brings them about.
func (a *App) reapSandboxes(ctx context.Context) error {
	var clock steadiness
	failing := false
	return every(ctx, reapEvery, func() {
		err := a.reapOnce(ctx, &clock)
		if err != nil && !failing && ctx.Err() == nil { // once, not at each look while the database is away
			a.logger.WarnContext(ctx, "sandboxes cannot be looked after; it is tried again", "error", err)
		}
		failing = err != nil
	})
}

func (a *App) reapOnce(ctx context.Context, clock *steadiness) error {
	now, err := a.Store.Read().Clock(ctx)
	if err != nil {
		return fmt.Errorf("read the clock: %w", err)
	}
	step, steady := clock.look(now, time.Now())
	if step != 0 {
		a.logger.WarnContext(ctx, "the clock has stepped; no sandbox ends until it has gone on evenly for a while", "by", step, "for", settle)
	}
	if !steady {
		return nil
	}
	_, err = a.Panel.ReapSandboxes(ctx)
	return err
}

// steadiness compares the clock by which sandboxes end with one that cannot be
// set.
type steadiness struct {
	clock, own time.Time // at the last look
	stepped    time.Time // when the last step was seen, on the own one; zero for never
}

// look returns by how much the clock has stepped since the last look, 0 for
// what is no more than is normal, and whether it is to be believed.
func (s *steadiness) look(clock, own time.Time) (step time.Duration, steady bool) {
	if !s.own.IsZero() {
		step = (clock.Sub(s.clock) - own.Sub(s.own)).Round(time.Second)
	}
	s.clock, s.own = clock, own
	if step.Abs() > maxStep {
		s.stepped = own
		return step, false
	}
	return 0, s.stepped.IsZero() || own.Sub(s.stepped) >= settle
}

// seedTemplate makes the template of the sample app in the simulated AWS, once:
// so there is something to make a sandbox from after the first start.
func seedTemplate(ctx context.Context, st *store.Store, environment string) error {
	return st.InTx(ctx, func(q *store.Queries) error {
		env, err := q.EnvironmentByName(ctx, environment)
		if err != nil {
			return err
		}
		spec := model.Spec{Source: model.SourceLaunch, Port: model.DefaultPort, Tags: map[string]string{"branch": "{{branch}}", "sandbox": "{{key}}"}}
		return q.SampleTemplate(ctx, &model.SandboxTemplate{
			Name: "Sample app", Description: "The sample app on one new instance of the simulated AWS: answers at /, /service-a and /service-b.",
			EnvironmentID: env.ID, Spec: spec.WithDefaults(), Parameters: []model.TemplateParameter{},
		})
	})
}
