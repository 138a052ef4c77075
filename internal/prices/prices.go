// Package prices holds what AWS's things cost, and reckons what a chain costs
// a month. Prices are list prices that somebody read somewhere: each has its
// source and its day, and what is not known is said to be unknown.
package prices

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// Items of the table beside "instance/<type>", which is for an hour of it.
const (
	LoadBalancerHour = "alb/hour"
	LoadBalancerLCU  = "alb/lcu-hour"
	VolumeMonth      = "gp3/gb-month"
	HTTPAPIMillion   = "http-api/million"

	instancePrefix = "instance/"
)

// Instance is the item of an hour of that instance type.
func Instance(instanceType string) string { return instancePrefix + instanceType }

// Price is what one thing costs in one Region.
type Price struct {
	Region, Item string
	USD          model.USD
	Date         string // the day that it is of: 2026-09-25
	Source       string
}

type key struct{ region, item string }

// Table is a list of prices. It does not change.
type Table struct {
	byKey map[key]Price
	rows  []Price // in the order of the file
}

//go:embed prices.csv
var builtin []byte

var parsed = sync.OnceValue(func() *Table {
	t, _ := Parse(bytes.NewReader(builtin), "the built-in table") // a test parses it, too
	return t
})

// Builtin is the table that comes with Drawbridge.
func Builtin() *Table { return parsed() }

// columns of a file of prices, which its first line names.
var columns = []string{"region", "item", "usd", "date", "source"}

var (
	regionRE = regexp.MustCompile(`^[a-z]{2}(-[a-z]+)+-\d$`)
	itemRE   = regexp.MustCompile(`^(alb/hour|alb/lcu-hour|gp3/gb-month|http-api/million|instance/[a-z][a-z0-9-]*\.[a-z0-9-]+)$`)
)

// maxFaults is how many faults of a file are told at once.
const maxFaults = 20

// Parse reads a file of prices: CSV with the columns region, item, usd, date
// and source; a line that begins with # is a remark. The error names each
// faulty line of the file called name.
func Parse(r io.Reader, name string) (*Table, error) {
	in := csv.NewReader(r)
	in.Comment, in.FieldsPerRecord, in.ReuseRecord = '#', len(columns), true
	t := &Table{byKey: map[key]Price{}}
	if head, err := in.Read(); err != nil || !slices.Equal(head, columns) {
		return t, fmt.Errorf("%s, line 1: begin with the line %s", name, strings.Join(columns, ","))
	}
	first := map[key]int{}
	var faults []error
	for len(faults) < maxFaults {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w; each line has %s", name, err, strings.Join(columns, ",")))
			if !errors.Is(err, csv.ErrFieldCount) {
				break
			}
			continue
		}
		line, _ := in.FieldPos(0)
		p, err := parseRow(record)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s, line %d: %w", name, line, err))
			continue
		}
		k := key{p.Region, p.Item}
		if at, twice := first[k]; twice {
			faults = append(faults, fmt.Errorf("%s, line %d: %s in %s has a price in line %d already", name, line, p.Item, p.Region, at))
			continue
		}
		first[k] = line
		t.byKey[k], t.rows = p, append(t.rows, p)
	}
	return t, errors.Join(faults...)
}

func parseRow(record []string) (Price, error) {
	for i := range record {
		record[i] = strings.TrimSpace(record[i])
	}
	p := Price{Region: record[0], Item: record[1], Date: record[3], Source: record[4]}
	if !regionRE.MatchString(p.Region) {
		return p, fmt.Errorf("%q is not a Region; write it as in ap-northeast-1", p.Region)
	}
	if !itemRE.MatchString(p.Item) {
		return p, fmt.Errorf("%q is not an item; write %s, %s, %s, %s or an instance type as in instance/t3.micro",
			p.Item, LoadBalancerHour, LoadBalancerLCU, VolumeMonth, HTTPAPIMillion)
	}
	var err error
	if p.USD, err = model.ParseUSD(record[2]); err != nil {
		return p, err
	}
	if _, err := time.Parse(time.DateOnly, p.Date); err != nil {
		return p, fmt.Errorf("%q is not a day; write it as in 2026-09-25", p.Date)
	}
	if p.Source == "" {
		return p, errors.New("say in the last column where the price is from")
	}
	return p, nil
}

// With is this table with the prices of another one over it.
func (t *Table) With(over *Table) *Table {
	both := &Table{byKey: make(map[key]Price, len(t.byKey)+len(over.byKey))}
	for _, p := range t.rows {
		if _, covered := over.byKey[key{p.Region, p.Item}]; !covered {
			both.add(p)
		}
	}
	for _, p := range over.rows {
		both.add(p)
	}
	return both
}

func (t *Table) add(p Price) { t.byKey[key{p.Region, p.Item}], t.rows = p, append(t.rows, p) }

// Find returns the price of an item in a Region.
func (t *Table) Find(region, item string) (Price, bool) {
	p, ok := t.byKey[key{region, item}]
	return p, ok
}

// Regions are those that have a price, in order.
func (t *Table) Regions() []string {
	var all []string
	for _, p := range t.rows {
		if !slices.Contains(all, p.Region) {
			all = append(all, p.Region)
		}
	}
	slices.Sort(all)
	return all
}

// In lists a Region's prices: first what every chain has, then the instance
// types in the order of the file.
func (t *Table) In(region string) []Price {
	var fixed, types []Price
	for _, p := range t.rows {
		switch {
		case p.Region != region:
		case strings.HasPrefix(p.Item, instancePrefix):
			types = append(types, p)
		default:
			fixed = append(fixed, p)
		}
	}
	return append(fixed, types...)
}
