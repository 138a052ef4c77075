package web

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

func TestCostsOnPages(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.foreignTeam()
	b := s.backend(model.PhaseReady)
	want(t, s.as(viewer, http.MethodGet, pathBackendPlan(b.ID, model.OpProvision), nil), http.StatusOK,
		"What it costs", "$28.44", "1 instance of type t3.micro, 730 hours awake", "$0.0136", "(of 2025-11-03)", "not counted", "$9.93 less", pathPricesOf("ap-northeast-1"))
	want(t, s.as(viewer, http.MethodGet, pathBackend(b.ID), nil), http.StatusOK, "What it costs", "$28.44", "!What it would cost")
	asleep := s.backend(model.PhaseAsleep, func(b *model.Backend) { b.ID, b.Name = "be_asleep", "sleepy" })
	want(t, s.as(viewer, http.MethodGet, pathBackend(asleep.ID), nil), http.StatusOK, "It sleeps now, at the rate of $18.51 a month: $9.93 less than awake.")
	s.happen(func(ctx context.Context, q *store.Queries) error {
		asleep.Phase = model.PhaseDestroyed
		return q.UpdateBackend(ctx, &asleep)
	})
	want(t, s.as(viewer, http.MethodGet, pathTeam("team_a"), nil), http.StatusOK, "$28.44", "a month for 1 backend that is in AWS", "!Estimated saving")
	want(t, s.as(admin, http.MethodGet, pathTeam("team_b"), nil), http.StatusOK, "$0.00", "0 backends")
	want(t, s.as(admin, http.MethodGet, pathEnvironments, nil), http.StatusOK, "$28.44")
	want(t, s.as(owner, http.MethodGet, pathEnvironments, nil), http.StatusOK, "!$28.44")
	want(t, s.as(viewer, http.MethodGet, pathTeamQuota("team_a"), nil), http.StatusOK, "Cost a month", "<b>$28.44</b>")
}

func TestCostOfWhatIsTyped(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	form := func(change ...string) string {
		v := url.Values{"environment_id": {"env_local"}, "source": {"launch"}, "port": {"8000"}, "health_path": {"/"}, "instance_type": {"t3.micro"}, "count": {"1"}}
		for i := 0; i < len(change); i += 2 {
			v.Set(change[i], change[i+1])
		}
		return pathBackendCost() + "?" + v.Encode()
	}
	want(t, s.as(developer, http.MethodGet, pathBackendNew(), nil), http.StatusOK, `id="cost-estimate"`, "About <b>$28.44</b>")
	for at, parts := range map[string][]string{
		form():                                    {"About <b>$28.44</b>"},
		form("count", "2"):                        {"About <b>$39.13</b>"},
		form("instance_type", "z9.huge"):          {"Without instance/z9.huge"},
		form("count", "many"):                     {"is told when the fields"},
		form("instance_type", "<b>"):              {"is told when the fields"},
		form("environment_id", "env_x"):           {"is told when the fields"},
		form("source", "instances"):               {"About <b>$17.74</b>"},
		form("name", "<script>alert(1)</script>"): {"!<script>alert"},
	} {
		want(t, s.as(developer, http.MethodGet, at, nil), http.StatusOK, parts...)
	}
}

func TestPricesPage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(viewer, http.MethodGet, pathPrices, nil), http.StatusOK, "ap-northeast-1", "$0.0243", "AWS Price List", "2026-08-27", "What is not counted", `data-price="instance/t3.micro"`)
	want(t, s.as(viewer, http.MethodGet, pathPricesOf("us-east-1"), nil), http.StatusOK, "$0.0225", "2026-07-20")
	want(t, s.as(viewer, http.MethodGet, pathPricesOf("xx-far-1"), nil), http.StatusOK, "No price in xx-far-1 is known")
	want(t, s.as(viewer, http.MethodGet, pathPricesOf(`"><script>`), nil), http.StatusOK, "!<script>\"")
}

func TestBudgetForm(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	at := pathTeamQuota("team_a")
	wantRedirect(t, s.as(admin, http.MethodPost, at, url.Values{"monthly_usd": {" $250.50 "}}), at)
	want(t, s.as(viewer, http.MethodGet, at, nil), http.StatusOK, "$0.00 of $250.50", "set for this team")
	want(t, s.as(admin, http.MethodGet, at, nil), http.StatusOK, `value="250.50"`)
	for _, bad := range []string{"much", "-1", "1e9", "2000000", "1.1234567"} {
		want(t, s.as(admin, http.MethodPost, at, url.Values{"monthly_usd": {bad}}), http.StatusUnprocessableEntity, `value="`+bad+`"`, `aria-invalid="true"`)
	}
}
