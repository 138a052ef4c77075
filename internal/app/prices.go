package app

import (
	"context"
	"fmt"
	"os"

	"drawbridge/internal/model"
	"drawbridge/internal/prices"
)

// readPrices is the built-in table with the file's prices over it.
func readPrices(file string) (*prices.Table, error) {
	if file == "" {
		return prices.Builtin(), nil
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open the prices named by --prices: %w", err)
	}
	defer f.Close()
	own, err := prices.Parse(f, file)
	if err != nil {
		return nil, fmt.Errorf("the prices named by --prices are not usable; mend the file (docs/costs.md says how it is written):\n%w", err)
	}
	return prices.Builtin().With(own), nil
}

// monthlyCosts is what runs costs a month, for the metrics.
func (a *App) monthlyCosts(ctx context.Context) (map[string]model.USD, error) {
	return a.Panel.RegionCosts(ctx)
}
