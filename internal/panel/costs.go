package panel

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/prices"
	"drawbridge/internal/store"
)

// savingsWindow is how far back a team's page looks at what ended.
const savingsWindow = 30 * 24 * time.Hour

// TeamCost is what a team's backends cost a month, and what was not spent.
type TeamCost struct {
	model.CostSum
	Savings model.Savings `json:"savings"`
}

// EnvironmentCost is what all teams' backends in an environment cost a month.
type EnvironmentCost struct {
	EnvironmentID string
	model.CostSum
}

// SpecCost reckons what a chain of that spec would cost a month in an
// environment, "" for the only one. Nothing is asked but the table of prices.
// viewer.
func (p *Panel) SpecCost(ctx context.Context, a model.Actor, environmentID string, spec model.Spec) (*model.Cost, error) {
	env, err := p.environmentOrOnly(ctx, a, SeeEnvironments, environmentID)
	if err != nil {
		return nil, err
	}
	spec = spec.WithDefaults()
	cost := p.Prices.Monthly(prices.ChainOf(&spec, env.Region, 0))
	return &cost, nil
}

// PricesIn lists a Region's prices. viewer.
func (p *Panel) PricesIn(a model.Actor, region string) ([]prices.Price, error) {
	if err := member(a, SeeEnvironments); err != nil {
		return nil, err
	}
	return p.Prices.In(region), nil
}

// TeamCost sums up what the team's backends cost a month. viewer.
func (p *Panel) TeamCost(ctx context.Context, a model.Actor, teamID string) (*TeamCost, error) {
	if err := allow(a, SeeTeams, teamID, "team", teamID); err != nil {
		return nil, err
	}
	q := p.Store.Read()
	if _, err := q.TeamByID(ctx, teamID); err != nil {
		return nil, err
	}
	spends, err := q.TeamSpends(ctx, teamID)
	if err != nil {
		return nil, err
	}
	since := p.Store.Now().Add(-savingsWindow)
	endings, err := q.Endings(ctx, teamID, since)
	if err != nil {
		return nil, err
	}
	naps, err := q.Naps(ctx, teamID, since)
	if err != nil {
		return nil, err
	}
	cost := &TeamCost{CostSum: p.sum(spends), Savings: p.savings(endings, since)}
	cost.Savings.SleptHours, cost.Savings.SleptSaved = p.slept(naps, since, p.Store.Now())
	return cost, nil
}

// EnvironmentCosts sums up what all teams' backends cost a month, by
// environment. admin.
func (p *Panel) EnvironmentCosts(ctx context.Context, a model.Actor) ([]EnvironmentCost, error) {
	if err := member(a, SeeCosts); err != nil {
		return nil, err
	}
	envs, err := p.Store.Read().Environments(ctx)
	if err != nil {
		return nil, err
	}
	spends, err := p.Store.Read().AllSpends(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string][]store.Spend{}
	for _, s := range spends {
		by[s.EnvironmentID] = append(by[s.EnvironmentID], s)
	}
	costs := make([]EnvironmentCost, len(envs))
	for i, e := range envs {
		costs[i] = EnvironmentCost{EnvironmentID: e.ID, CostSum: p.sum(by[e.ID])}
	}
	return costs, nil
}

// RegionCosts sums up what runs, by Region, for the metrics.
func (p *Panel) RegionCosts(ctx context.Context) (map[string]model.USD, error) {
	spends, err := p.Store.Read().AllSpends(ctx)
	if err != nil {
		return nil, err
	}
	by := map[string]model.USD{}
	for _, s := range spends {
		by[s.Region] += p.sum([]store.Spend{s}).Monthly
	}
	return by, nil
}

func (p *Panel) sum(spends []store.Spend) model.CostSum {
	var sum model.CostSum
	for _, s := range spends {
		cost := p.Prices.Monthly(chainOf(s))
		sum.Add(&cost, s.Backends)
		if s.Phase == model.PhaseAsleep {
			sum.Asleep += s.Backends
		}
	}
	return sum
}

func chainOf(s store.Spend) prices.Chain {
	c := prices.Chain{Region: s.Region, RootGB: s.RootGB, AwakeHours: s.Schedule.AwakeHours()}
	if s.Source == model.SourceLaunch {
		c.InstanceType, c.Instances = s.InstanceType, s.Instances
	}
	return c
}

// savings estimates what the ended backends would have cost since their ends.
func (p *Panel) savings(endings []store.Ending, since time.Time) model.Savings {
	s := model.Savings{Since: since, Ended: len(endings)}
	now := p.Store.Now()
	for _, e := range endings {
		monthly := p.Prices.Monthly(prices.ChainOf(&e.Spec, e.Region, 0)).Monthly
		s.EndedMonthly += monthly
		s.EndedSaved += monthly * model.USD(now.Sub(e.At)/time.Hour) / model.HoursPerMonth
	}
	return s
}

// slept adds up the instance hours that sleep has saved since a moment. A
// backend that wakes first in its history had slept since then.
func (p *Panel) slept(naps []store.Nap, since, now time.Time) (hours int, saved model.USD) {
	var minutes time.Duration
	for i := 0; i < len(naps); {
		n := naps[i]
		price, _ := p.Prices.Find(n.Region, prices.Instance(n.InstanceType))
		asleep := time.Time{}
		if n.Operation == model.OpWake || n.Operation == "" {
			asleep = since
		}
		var slept time.Duration
		for ; i < len(naps) && naps[i].BackendID == n.BackendID; i++ {
			switch e := naps[i]; {
			case e.Operation == model.OpSleep && asleep.IsZero():
				asleep = e.Ended
			case e.Operation != model.OpSleep && e.Operation != "" && !asleep.IsZero():
				slept += max(0, e.Begun.Sub(asleep))
				asleep = time.Time{}
			}
		}
		if !asleep.IsZero() && n.Phase == model.PhaseAsleep {
			slept += max(0, now.Sub(asleep))
		}
		minutes += slept * time.Duration(n.Instances)
		saved += price.USD * model.USD(n.Instances) * model.USD(slept/time.Minute) / 60
	}
	return int(minutes / time.Hour), saved
}

// costOf is what the backend's chain costs a month.
func (p *Panel) costOf(b *model.Backend, env *model.Environment, have []model.Resource) *model.Cost {
	rootGB := 0
	for i := range have {
		if have[i].Key == "image" {
			rootGB, _ = strconv.Atoi(have[i].Outputs["root_size"])
		}
	}
	cost := p.Prices.Monthly(prices.ChainOf(&b.Spec, env.Region, rootGB))
	return &cost
}

// price adds to a plan what the chain costs, and a remark where that is not
// known.
func (p *Panel) price(plan *model.Plan, b *model.Backend, env *model.Environment, have []model.Resource) {
	plan.Cost = p.costOf(b, env, have)
	if plan.Operation == model.OpProvision && !plan.Cost.Known() {
		plan.Findings = append(plan.Findings, model.Finding{
			Severity: model.SeverityInfo, Field: "spec.launch.instance_type",
			Message: fmt.Sprintf("The monthly cost is not known in full: the table of prices has nothing for %s in %s.",
				strings.Join(plan.Cost.Unknown, " and "), env.Region),
			Advice: "An operator can add prices with --prices; see docs/costs.md.",
		})
	}
}
