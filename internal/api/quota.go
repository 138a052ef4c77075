package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
)

// Quota is an amount of what is limited.
type Quota struct {
	Backends      int `json:"backends" doc:"Backends that are not destroyed." example:"12"`
	Instances     int `json:"instances" doc:"Instances that were launched for them." example:"20"`
	Sandboxes     int `json:"sandboxes" doc:"Sandboxes of which something is left." example:"5"`
	SandboxesEach int `json:"sandboxes_each" doc:"The same for one person: of what is used, for whoever asks." example:"2"`
	MonthlyUSD    USD `json:"monthly_usd" doc:"What they cost a month at list prices, in dollars."`
}

// QuotaLimits are a team's own limits.
type QuotaLimits struct {
	Backends      *int `json:"backends,omitempty" doc:"How many backends at most; 0 = no limit, left out = the installation's default." example:"20"`
	Instances     *int `json:"instances,omitempty" doc:"How many launched instances at most; 0 = no limit, left out = the installation's default." example:"40"`
	Sandboxes     *int `json:"sandboxes,omitempty" doc:"How many sandboxes at once at most; 0 = no limit, left out = the installation's default." example:"10"`
	SandboxesEach *int `json:"sandboxes_each,omitempty" doc:"How many of them one person may have; 0 = no limit, left out = the installation's default." example:"3"`
	MonthlyUSD    *USD `json:"monthly_usd,omitempty" doc:"The budget: dollars a month at list prices; 0 = no limit, left out = the installation's default."`
}

// QuotaUse is what a team has of what it may have.
type QuotaUse struct {
	Used    Quota       `json:"used" doc:"What it has."`
	Allowed Quota       `json:"allowed" doc:"What it may have; 0 = no limit."`
	Own     QuotaLimits `json:"own" doc:"Its own limits; what is left out is the installation's default."`
}

func quotaOf(t *panel.TeamQuota) QuotaUse {
	own := QuotaLimits{Backends: t.Own.Backends, Instances: t.Own.Instances, Sandboxes: t.Own.Sandboxes, SandboxesEach: t.Own.SandboxesEach}
	if t.Own.MonthlyUSD != nil {
		own.MonthlyUSD = &USD{*t.Own.MonthlyUSD}
	}
	return QuotaUse{Used: amountOf(t.Used), Allowed: amountOf(t.Allowed), Own: own}
}

func amountOf(q model.Quota) Quota {
	return Quota{Backends: q.Backends, Instances: q.Instances, Sandboxes: q.Sandboxes, SandboxesEach: q.SandboxesEach, MonthlyUSD: USD{q.MonthlyUSD}}
}

func (l QuotaLimits) model() model.QuotaLimits {
	limits := model.QuotaLimits{Backends: l.Backends, Instances: l.Instances, Sandboxes: l.Sandboxes, SandboxesEach: l.SandboxesEach}
	if l.MonthlyUSD != nil {
		limits.MonthlyUSD = &l.MonthlyUSD.USD
	}
	return limits
}

func quotaTag(t *panel.TeamQuota) string { return t.Own.Tag() }

type setQuotaInput struct {
	BodyRead
	Matching
	ID   string `path:"id" doc:"The team's id." example:"team_h6c2v4yjq7sblm3d"`
	Body QuotaLimits
}

func (a *API) registerQuotas(h huma.API) {
	tags := []string{"Teams"}
	route(a, h, huma.Operation{
		OperationID: "get-quota", Method: http.MethodGet, Path: "/teams/{id}/quota", Tags: tags,
		Summary: "Get a team's quota", Description: "What the team has of what it may have.",
	}, func(ctx context.Context, actor model.Actor, in *teamInput) (*tagged[QuotaUse], error) {
		t, err := a.panel.Quota(ctx, actor, in.ID)
		return oneTagged(t, err, quotaTag, quotaOf)
	})
	route(a, h, huma.Operation{
		OperationID: "set-quota", Method: http.MethodPut, Path: "/teams/{id}/quota", Tags: tags,
		Summary: "Set a team's quota", Description: "For admins. What the team has already stays, whatever the limit.",
	}, func(ctx context.Context, actor model.Actor, in *setQuotaInput) (*tagged[QuotaUse], error) {
		t, err := a.panel.SetQuota(model.WithIfMatch(ctx, in.IfMatch), actor, in.ID, in.Body.model())
		return oneTagged(t, err, quotaTag, quotaOf)
	})
}
