package model

import "time"

// HoursPerMonth is a month as AWS's own calculator reckons it.
const HoursPerMonth = 730

// Cost is what a chain costs a month at list prices, as far as the prices are
// known. What goes by use is listed and not counted.
type Cost struct {
	Region string     `json:"region"`
	Items  []CostItem `json:"items"`
	// AwakeHours are the hours of a month in which the instances run.
	AwakeHours int `json:"awake_hours"`
	Monthly    USD `json:"monthly_usd"` // with so many hours awake
	Awake      USD `json:"awake_usd"`   // if it never slept
	Asleep     USD `json:"asleep_usd"`  // if it slept all month: what is left has no hours awake
	// Unknown names what has no price in the table: the amounts leave it out.
	Unknown []string `json:"unknown,omitempty"`
}

// Known tells whether the amounts leave nothing out that can be foreseen.
func (c *Cost) Known() bool { return len(c.Unknown) == 0 }

// Saves is what sleeping saves in a month by its schedule, against never sleeping.
func (c *Cost) Saves() USD { return c.Awake - c.Monthly }

// AwakeFor is what so much time costs, if the instances run through it.
func (c *Cost) AwakeFor(d time.Duration) USD {
	return USD(float64(c.Awake) * d.Hours() / HoursPerMonth)
}

// CostItem is one thing that is paid for.
type CostItem struct {
	Item     string `json:"item"` // its name in the table of prices: "instance/t3.micro"
	What     string `json:"what"` // plain words
	Quantity int    `json:"quantity"`
	Unit     string `json:"unit"`             // of which there are so many: "hours", "GB-months"
	Price    USD    `json:"price_usd"`        // of one
	Known    bool   `json:"known"`            // false: the table has no price for it
	ByUse    bool   `json:"by_use,omitempty"` // not counted: how much there will be nobody knows
	Monthly  USD    `json:"monthly_usd"`
	Source   string `json:"source,omitempty"` // where the price is from
	Date     string `json:"date,omitempty"`   // the day that it is of, as 2026-09-25
}

// CostSum is what several backends cost together.
type CostSum struct {
	Backends int `json:"backends"` // how many have something in AWS
	Asleep   int `json:"asleep"`   // how many of these sleep now
	Monthly  USD `json:"monthly_usd"`
	// Incomplete counts those of which some price is not known.
	Incomplete int `json:"incomplete"`
}

// Add takes one more backend in, n times.
func (s *CostSum) Add(c *Cost, n int) {
	s.Backends += n
	s.Monthly += c.Monthly * USD(n)
	if !c.Known() {
		s.Incomplete += n
	}
}

// Savings are what was not spent since a moment, at list prices: estimates.
type Savings struct {
	Since time.Time `json:"since"`
	// Ended counts the backends that were destroyed since then. They cost
	// EndedMonthly a month; EndedSaved is that for the time since each end.
	Ended        int `json:"ended"`
	EndedMonthly USD `json:"ended_monthly_usd"`
	EndedSaved   USD `json:"ended_saved_usd"`
	// SleptHours are the instance hours that sleep has spared; SleptSaved is
	// their price.
	SleptHours int `json:"slept_hours"`
	SleptSaved USD `json:"slept_saved_usd"`
}
