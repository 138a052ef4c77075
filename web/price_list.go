package web

import (
	"slices"
	"strings"

	"github.com/labstack/echo/v4"

	"drawbridge/internal/prices"
	"drawbridge/web/ui"
)

// priceListView is the table of prices of one Region.
type priceListView struct {
	Region  string
	Regions []ui.Option
	Action  string
	Fixed   []priceRow
	Types   []priceRow
}

type priceRow struct{ Item, What, Price, Date, Source string }

// listPrices shows the prices of a Region: the one that was asked for, else
// that of the first environment.
func (w *Web) listPrices(c echo.Context) error {
	ctx, actor := c.Request().Context(), actorOf(c)
	region := c.QueryParam("region")
	envs, err := w.panel.Environments(ctx, actor)
	if err != nil {
		return err
	}
	regions := w.panel.Prices.Regions()
	for i := range envs {
		if !slices.Contains(regions, envs[i].Region) {
			regions = append(regions, envs[i].Region)
		}
	}
	if region == "" && len(envs) > 0 {
		region = envs[0].Region
	}
	list, err := w.panel.PricesIn(actor, region)
	if err != nil {
		return err
	}
	v := priceListView{Region: region, Action: pathPrices}
	slices.Sort(regions)
	for _, r := range regions {
		v.Regions = append(v.Regions, ui.Option{Value: r, Label: r})
	}
	for _, p := range list {
		v.add(p)
	}
	return w.page(c, w.layoutView(c, "", ""), priceListPage(v))
}

// priceWords say what the items are that are not instance types.
var priceWords = map[string]string{
	prices.LoadBalancerHour: "Internal load balancer, an hour",
	prices.LoadBalancerLCU:  "Load balancer capacity unit (LCU), an hour, by traffic",
	prices.VolumeMonth:      "Root volume (gp3), a GB for a month",
	prices.HTTPAPIMillion:   "HTTP API, a million requests",
}

func (v *priceListView) add(p prices.Price) {
	row := priceRow{Item: p.Item, Price: p.USD.Exact(), Date: p.Date, Source: p.Source}
	if words, ok := priceWords[p.Item]; ok {
		row.What = words
		v.Fixed = append(v.Fixed, row)
		return
	}
	row.What = strings.TrimPrefix(p.Item, "instance/") + ", an hour"
	v.Types = append(v.Types, row)
}
