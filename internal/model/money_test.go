package model

import (
	"encoding/json"
	"testing"
)

func TestUSD(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]struct {
		amount       USD
		cents, exact string
	}{
		"0":          {0, "$0.00", "$0.00"},
		"24.733":     {24_733_000, "$24.73", "$24.733"},
		"0.0225":     {22_500, "$0.02", "$0.0225"},
		"0.005":      {5_000, "$0.01", "$0.005"},
		"0.000001":   {1, "$0.00", "$0.000001"},
		"1000000000": {1_000_000_000 * Dollar, "$1000000000.00", "$1000000000.00"},
		"7.5":        {7_500_000, "$7.50", "$7.50"},
	} {
		got, err := ParseUSD(text)
		if err != nil || got != want.amount || got.String() != want.cents || got.Exact() != want.exact {
			t.Errorf("%s: %d, %s, %s, %v", text, got, got, got.Exact(), err)
		}
		data, err := json.Marshal(got)
		if err != nil || string(data) != text {
			t.Errorf("%s became %s, %v", text, data, err)
		}
		var again USD
		if err := json.Unmarshal([]byte("-"+text), &again); err != nil || again != -want.amount {
			t.Errorf("-%s read as %d, %v", text, again, err)
		}
	}
	if got := USD(-24_735_000).String() + (-USD(500_000)).Exact(); got != "-$24.74-$0.50" {
		t.Errorf("below zero: %s", got)
	}
	for _, text := range []string{"", ".", "1.", ".5x", "-1", "+1", "1e3", "0.0000001", "1000000001", " 1", "1,000", "$1", "NaN", "0x1", "1_0", "1.-5", "1.+5"} {
		if got, err := ParseUSD(text); err == nil {
			t.Errorf("%q read as %d", text, got)
		}
	}
}
