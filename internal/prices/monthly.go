package prices

import (
	"fmt"

	"drawbridge/internal/model"
)

// DefaultRootGB is the size of an instance's root volume where its image is
// not known yet: that of Amazon Linux 2023.
const DefaultRootGB = 8

// Chain is what of a backend is paid for.
type Chain struct {
	Region       string
	InstanceType string
	Instances    int // those that Drawbridge launches; existing ones are paid for anyway
	RootGB       int // of each one's root volume; 0 = DefaultRootGB
	AwakeHours   int // of a month's model.HoursPerMonth
}

// ChainOf is the chain that the spec asks for in a Region. rootGB is 0 while
// the image is not known.
func ChainOf(spec *model.Spec, region string, rootGB int) Chain {
	c := Chain{Region: region, RootGB: rootGB, AwakeHours: spec.Schedule.AwakeHours()}
	if spec.Source == model.SourceLaunch && spec.Launch != nil {
		c.InstanceType, c.Instances = spec.Launch.InstanceType, spec.Launch.Count
	}
	return c
}

// Monthly reckons what the chain costs a month. It is one sum of integers:
// quantities times prices.
func (t *Table) Monthly(c Chain) model.Cost {
	if c.RootGB == 0 {
		c.RootGB = DefaultRootGB
	}
	cost := model.Cost{Region: c.Region, AwakeHours: c.AwakeHours}
	var hours model.CostItem
	if c.Instances > 0 {
		hours = t.item(c.Region, model.CostItem{
			Item: Instance(c.InstanceType), Unit: "hours", Quantity: c.Instances * c.AwakeHours,
			What: fmt.Sprintf("%s of type %s, %s awake", counted(c.Instances, "instance"), c.InstanceType, counted(c.AwakeHours, "hour")),
		})
		cost.Items = append(cost.Items, hours, t.item(c.Region, model.CostItem{
			Item: VolumeMonth, Unit: "GB-months", Quantity: c.Instances * c.RootGB,
			What: fmt.Sprintf("%s of %d GB (gp3), kept while asleep", counted(c.Instances, "root volume"), c.RootGB),
		}))
	}
	cost.Items = append(cost.Items,
		t.item(c.Region, model.CostItem{Item: LoadBalancerHour, Unit: "hours", Quantity: model.HoursPerMonth, What: "The internal load balancer"}),
		t.item(c.Region, model.CostItem{Item: LoadBalancerLCU, Unit: "LCU-hours", ByUse: true, What: "The load balancer's capacity units, by traffic"}),
		t.item(c.Region, model.CostItem{Item: HTTPAPIMillion, Unit: "million requests", ByUse: true, What: "Requests through the HTTP API"}))
	for _, i := range cost.Items {
		cost.Monthly += i.Monthly
		if !i.Known && !i.ByUse {
			cost.Unknown = append(cost.Unknown, i.Item)
		}
	}
	cost.Asleep = cost.Monthly - hours.Monthly
	cost.Awake = cost.Asleep + hours.Price*model.USD(c.Instances*model.HoursPerMonth)
	return cost
}

// item adds the price.
func (t *Table) item(region string, i model.CostItem) model.CostItem {
	p, known := t.Find(region, i.Item)
	i.Known, i.Price, i.Date, i.Source = known, p.USD, p.Date, p.Source
	i.Monthly = p.USD * model.USD(i.Quantity)
	return i
}

func counted(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
