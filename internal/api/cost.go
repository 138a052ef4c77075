package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/prices"
)

// USD is an amount of US dollars: a decimal number in JSON.
type USD struct{ model.USD }

// Schema describes it to clients.
func (USD) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeNumber, Examples: []any{24.733}}
}

// Cost is what a chain costs a month at list prices.
type Cost struct {
	Region     string     `json:"region" doc:"The Region whose prices these are." example:"ap-northeast-1"`
	Items      []CostItem `json:"items" nullable:"false" doc:"What is paid for."`
	AwakeHours int        `json:"awake_hours" doc:"Hours of a month of 730 in which the instances run." example:"730"`
	Monthly    USD        `json:"monthly_usd" doc:"A month's cost with so many hours awake."`
	Awake      USD        `json:"awake_usd" doc:"A month's cost if it never slept."`
	Asleep     USD        `json:"asleep_usd" doc:"A month's cost if it slept all the time."`
	Unknown    []string   `json:"unknown,omitempty" doc:"Items without a price in the table: the amounts leave them out."`
}

// CostItem is one thing that is paid for.
type CostItem struct {
	Item     string `json:"item" doc:"Its name in the table of prices." example:"instance/t3.micro"`
	What     string `json:"what" doc:"What it is, in plain words." example:"1 instance of type t3.micro, 730 hours awake"`
	Quantity int    `json:"quantity" doc:"How many units a month." example:"730"`
	Unit     string `json:"unit" doc:"The unit." example:"hours"`
	Price    USD    `json:"price_usd" doc:"The price of one unit; 0 when it is not known."`
	Known    bool   `json:"known" doc:"The table has a price for it."`
	ByUse    bool   `json:"by_use,omitempty" doc:"It goes by use and is not counted."`
	Monthly  USD    `json:"monthly_usd" doc:"A month's cost of it."`
	Source   string `json:"source,omitempty" doc:"Where the price is from."`
	Date     string `json:"date,omitempty" doc:"The day that the price is of." example:"2026-09-25"`
}

// CostSum is what several backends cost together.
type CostSum struct {
	Backends   int `json:"backends" doc:"How many backends have something in AWS." example:"3"`
	Asleep     int `json:"asleep" doc:"How many of these sleep now." example:"1"`
	Monthly    USD `json:"monthly_usd" doc:"What they cost a month."`
	Incomplete int `json:"incomplete" doc:"Of how many some price is not known." example:"0"`
}

// Savings are estimates of what was not spent.
type Savings struct {
	Since        time.Time `json:"since" doc:"Since when."`
	Ended        int       `json:"ended" doc:"Backends that were destroyed since then." example:"7"`
	EndedMonthly USD       `json:"ended_monthly_usd" doc:"What these cost a month while they were there."`
	EndedSaved   USD       `json:"ended_saved_usd" doc:"What they would have cost since their ends."`
	SleptHours   int       `json:"slept_hours" doc:"Instance hours that sleep has spared." example:"118"`
	SleptSaved   USD       `json:"slept_saved_usd" doc:"The price of these hours."`
}

// TeamCost is what a team's backends cost a month.
type TeamCost struct {
	CostSum
	Savings Savings `json:"savings" doc:"What was not spent, an estimate."`
}

// EnvironmentCost is what all teams' backends in an environment cost a month.
type EnvironmentCost struct {
	EnvironmentID string `json:"environment_id" doc:"The environment." example:"env_w5tq3nz7kd2m4xja"`
	CostSum
}

// Price is one row of the table of prices.
type Price struct {
	Region string `json:"region" doc:"The Region." example:"ap-northeast-1"`
	Item   string `json:"item" doc:"What is priced." example:"instance/t3.micro"`
	USD    USD    `json:"usd" doc:"The price of one."`
	Date   string `json:"date" doc:"The day that the price is of." example:"2026-09-25"`
	Source string `json:"source" doc:"Where it is from."`
}

func costOf(c *model.Cost) Cost {
	return Cost{
		Region: c.Region, Items: listOf(c.Items, costItemOf).Items, AwakeHours: c.AwakeHours, Monthly: USD{c.Monthly},
		Awake: USD{c.Awake}, Asleep: USD{c.Asleep}, Unknown: c.Unknown,
	}
}

func costItemOf(i *model.CostItem) CostItem {
	return CostItem{
		Item: i.Item, What: i.What, Quantity: i.Quantity, Unit: i.Unit, Price: USD{i.Price}, Known: i.Known, ByUse: i.ByUse,
		Monthly: USD{i.Monthly}, Source: i.Source, Date: i.Date,
	}
}

func costSumOf(s *model.CostSum) CostSum {
	return CostSum{Backends: s.Backends, Asleep: s.Asleep, Monthly: USD{s.Monthly}, Incomplete: s.Incomplete}
}

func savingsOf(s *model.Savings) Savings {
	return Savings{Since: s.Since, Ended: s.Ended, EndedMonthly: USD{s.EndedMonthly}, EndedSaved: USD{s.EndedSaved}, SleptHours: s.SleptHours, SleptSaved: USD{s.SleptSaved}}
}

func teamCostOf(c *panel.TeamCost) TeamCost {
	return TeamCost{CostSum: costSumOf(&c.CostSum), Savings: savingsOf(&c.Savings)}
}

func environmentCostOf(c *panel.EnvironmentCost) EnvironmentCost {
	return EnvironmentCost{EnvironmentID: c.EnvironmentID, CostSum: costSumOf(&c.CostSum)}
}

func priceOf(p *prices.Price) Price {
	return Price{Region: p.Region, Item: p.Item, USD: USD{p.USD}, Date: p.Date, Source: p.Source}
}

type pricesInput struct {
	Region string `query:"region" required:"true" doc:"The Region." example:"ap-northeast-1"`
}

type estimateInput struct {
	BodyRead
	ID   string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Body Spec
}

func (a *API) registerCosts(h huma.API) {
	tags := []string{"Costs"}
	route(a, h, huma.Operation{
		OperationID: "get-team-cost", Method: http.MethodGet, Path: "/teams/{id}/cost", Tags: tags,
		Summary: "Get what a team's backends cost a month", Description: "At list prices, with an estimate of what ending backends saved.",
	}, func(ctx context.Context, actor model.Actor, in *teamInput) (*output[TeamCost], error) {
		c, err := a.panel.TeamCost(ctx, actor, in.ID)
		return one(c, err, teamCostOf)
	})
	route(a, h, huma.Operation{
		OperationID: "list-environment-costs", Method: http.MethodGet, Path: "/environment-costs", Tags: tags,
		Summary: "List what environments cost a month", Description: "For admins: what the backends of all teams cost, by environment, at list prices.",
	}, func(ctx context.Context, actor model.Actor, _ *noInput) (*listOutput[EnvironmentCost], error) {
		list, err := a.panel.EnvironmentCosts(ctx, actor)
		return listed(list, err, environmentCostOf)
	})
	route(a, h, huma.Operation{
		OperationID: "estimate-cost", Method: http.MethodPost, Path: "/environments/{id}/cost", Tags: tags,
		Summary: "Estimate what a spec would cost a month", Description: "In that environment's Region, at list prices. Nothing is registered.",
	}, func(ctx context.Context, actor model.Actor, in *estimateInput) (*output[Cost], error) {
		c, err := a.panel.SpecCost(ctx, actor, in.ID, in.Body.model())
		return one(c, err, costOf)
	})
	route(a, h, huma.Operation{
		OperationID: "list-prices", Method: http.MethodGet, Path: "/prices", Tags: tags,
		Summary: "List the prices of a Region", Description: "Each with its source and its day. A Region that the table does not know has none.",
	}, func(ctx context.Context, actor model.Actor, in *pricesInput) (*listOutput[Price], error) {
		list, err := a.panel.PricesIn(actor, in.Region)
		return listed(list, err, priceOf)
	})
}
