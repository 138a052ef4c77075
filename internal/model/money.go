package model

import (
	"fmt"
	"strconv"
	"strings"
)

// USD is an amount of US dollars in millionths. Amounts are added and
// multiplied as the integers that they are; String and Exact print them, and
// their JSON is a decimal number of dollars.
type USD int64

// Dollar is one of them.
const Dollar USD = 1_000_000

// cent is what String rounds to.
const cent = Dollar / 100

// maxDollars bounds what is read, far below what overflows.
const maxDollars = 1_000_000_000

// ParseUSD reads a decimal number of dollars with up to six decimals, 0 to a
// thousand million. Its errors are for people.
func ParseUSD(text string) (USD, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	dollars, err := strconv.ParseUint(whole, 10, 64)
	if err != nil || dollars > maxDollars || len(fraction) > 6 || strings.HasSuffix(text, ".") || strings.HasPrefix(text, "+") {
		return 0, fmt.Errorf("%q is not a number of dollars; write it as in 0.0225, with six decimals at most", text)
	}
	var millionths uint64
	if fraction != "" {
		if millionths, err = strconv.ParseUint(fraction+strings.Repeat("0", 6-len(fraction)), 10, 64); err != nil {
			return 0, fmt.Errorf("%q is not a number of dollars; write it as in 0.0225", text)
		}
	}
	return USD(dollars)*Dollar + USD(millionths), nil
}

// String prints it to the cent, as "$24.73".
func (u USD) String() string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	cents := (u + cent/2) / cent
	return fmt.Sprintf("%s$%d.%02d", sign, cents/100, cents%100)
}

// Exact prints it with all its decimals, two at least: a price is "$0.0225".
func (u USD) Exact() string {
	text := u.decimal()
	switch at := strings.IndexByte(text, '.'); {
	case at < 0:
		text += ".00"
	case len(text)-at == 2:
		text += "0"
	}
	if strings.HasPrefix(text, "-") {
		return "-$" + text[1:]
	}
	return "$" + text
}

// decimal is the shortest number that says it all.
func (u USD) decimal() string {
	sign := ""
	if u < 0 {
		sign, u = "-", -u
	}
	text := fmt.Sprintf("%s%d.%06d", sign, u/Dollar, u%Dollar)
	return strings.TrimSuffix(strings.TrimRight(text, "0"), ".")
}

// MarshalJSON writes a number of dollars.
func (u USD) MarshalJSON() ([]byte, error) { return []byte(u.decimal()), nil }

// UnmarshalJSON reads a number of dollars.
func (u *USD) UnmarshalJSON(data []byte) error {
	text, negative := strings.CutPrefix(string(data), "-")
	v, err := ParseUSD(text)
	if negative {
		v = -v
	}
	*u = v
	return err
}
