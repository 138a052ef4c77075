package prices

import (
	"bytes"
	"strings"
	"testing"

	"drawbridge/internal/model"
)

func TestBuiltin(t *testing.T) {
	t.Parallel()
	table, err := Parse(bytes.NewReader(builtin), "prices.csv")
	if err != nil {
		t.Fatal(err)
	}
	if regions := table.Regions(); len(regions) < 12 {
		t.Errorf("only %d Regions: %v", len(regions), regions)
	}
	for _, region := range table.Regions() {
		for _, item := range []string{HTTPAPIMillion, Instance("t3.micro"), Instance("m5.large"), Instance("t4g.small")} {
			p, ok := table.Find(region, item)
			if !ok || p.USD <= 0 || p.Date == "" || p.Source == "" {
				t.Errorf("%s in %s: %+v", item, region, p)
			}
		}
		if in := table.In(region); in[0].Item == Instance("t3.micro") || len(in) < 80 {
			t.Errorf("%s: %d prices, first %s", region, len(in), in[0].Item)
		}
	}
}

func TestParse_namesTheLine(t *testing.T) {
	t.Parallel()
	const head = "region,item,usd,date,source\n"
	const good = "eu-west-1,alb/hour,0.0252,2026-07-03,a list\n"
	for name, tc := range map[string]struct{ text, want string }{
		"no head":           {good, "prices, line 1: begin with the line region,item,usd,date,source"},
		"empty":             {"", "line 1: begin with"},
		"a Region's name":   {head + "Ireland,alb/hour,1,2026-07-03,x\n", `line 2: "Ireland" is not a Region`},
		"unknown item":      {head + "# a remark\n" + good + "eu-west-1,nat/hour,1,2026-07-03,x\n", `line 4: "nat/hour" is not an item`},
		"negative":          {head + "eu-west-1,alb/hour,-1,2026-07-03,x\n", `line 2: "-1" is not a number of dollars`},
		"too fine":          {head + "eu-west-1,alb/hour,0.0000001,2026-07-03,x\n", "six decimals at most"},
		"a word":            {head + "eu-west-1,alb/hour,cheap,2026-07-03,x\n", `"cheap" is not a number`},
		"no day":            {head + "eu-west-1,alb/hour,1,3 July,x\n", `line 2: "3 July" is not a day`},
		"no source":         {head + "eu-west-1,alb/hour,1,2026-07-03,\n", "line 2: say in the last column"},
		"too few columns":   {head + "eu-west-1,alb/hour,1\n", "line 2"},
		"twice":             {head + good + good, "line 3: alb/hour in eu-west-1 has a price in line 2 already"},
		"an open quote":     {head + "\"eu-west-1,alb/hour,1,2026-07-03,x\n", "each line has region,item"},
		"each line is told": {head + "x,alb/hour,1,2026-07-03,x\n" + "eu-west-1,y,1,2026-07-03,x\n", "line 3"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := Parse(strings.NewReader(tc.text), "prices")
			if err == nil || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("error %v, want %q in it", err, tc.want)
			}
		})
	}
}

func TestWith(t *testing.T) {
	t.Parallel()
	over, err := Parse(strings.NewReader("region,item,usd,date,source\nus-east-1,alb/hour,0.5,2026-01-02,our contract\nxx-far-1,instance/z9.huge,12,2026-01-02,ours\n"), "x")
	if err != nil {
		t.Fatal(err)
	}
	both := Builtin().With(over)
	for _, tc := range []struct {
		region, item string
		want         model.USD
	}{
		{"us-east-1", LoadBalancerHour, model.Dollar / 2},
		{"us-east-1", VolumeMonth, 80_000},
		{"xx-far-1", Instance("z9.huge"), 12 * model.Dollar},
		{"eu-central-1", LoadBalancerHour, 27_000},
	} {
		if p, ok := both.Find(tc.region, tc.item); !ok || p.USD != tc.want {
			t.Errorf("%s in %s: %+v", tc.item, tc.region, p)
		}
	}
	if p, _ := Builtin().Find("us-east-1", LoadBalancerHour); p.USD != 22_500 {
		t.Errorf("the built-in table was changed: %+v", p)
	}
	if in := both.In("us-east-1"); len(in) != len(Builtin().In("us-east-1")) {
		t.Errorf("%d rows", len(in))
	}
}

// TestMonthly checks sums that were made by hand.
func TestMonthly(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		chain                  Chain
		monthly, awake, asleep string
		unknown                string
	}{
		// 0.0104*730 + 8*0.08 + 0.0225*730
		"the smallest in us-east-1": {Chain{Region: "us-east-1", InstanceType: "t3.micro", Instances: 1, AwakeHours: 730}, "$24.66", "$24.66", "$17.07", ""},
		// 0.0136*730 + 8*0.096 + 0.0243*730
		"the smallest in Tokyo": {Chain{Region: "ap-northeast-1", InstanceType: "t3.micro", Instances: 1, AwakeHours: 730}, "$28.44", "$28.44", "$18.51", ""},
		// 3*0.096*217 + 3*30*0.08 + 16.425
		"office hours of three": {Chain{Region: "us-east-1", InstanceType: "m5.large", Instances: 3, RootGB: 30, AwakeHours: 217}, "$86.12", "$233.87", "$23.63", ""},
		"existing instances":    {Chain{Region: "us-east-1", AwakeHours: 730}, "$16.43", "$16.43", "$16.43", ""},
		"an unknown type":       {Chain{Region: "us-east-1", InstanceType: "z9.huge", Instances: 2, AwakeHours: 730}, "$17.71", "$17.71", "$17.71", "instance/z9.huge"},
		"an unknown Region":     {Chain{Region: "xx-far-1", InstanceType: "t3.micro", Instances: 1, AwakeHours: 730}, "$0.00", "$0.00", "$0.00", "instance/t3.micro gp3/gb-month alb/hour"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := Builtin().Monthly(tc.chain)
			if c.Monthly.String() != tc.monthly || c.Awake.String() != tc.awake || c.Asleep.String() != tc.asleep || strings.Join(c.Unknown, " ") != tc.unknown {
				t.Errorf("monthly %s, awake %s, asleep %s, unknown %v", c.Monthly, c.Awake, c.Asleep, c.Unknown)
			}
			var sum model.USD
			for _, i := range c.Items {
				sum += i.Monthly
				if i.ByUse && i.Monthly != 0 {
					t.Errorf("%s is counted", i.Item)
				}
			}
			if sum != c.Monthly {
				t.Errorf("the items are %s together, the cost is %s", sum, c.Monthly)
			}
		})
	}
}
