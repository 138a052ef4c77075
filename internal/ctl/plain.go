package ctl

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"unicode"
)

// hidden tells whether a rune does something to a terminal instead of standing
// on it: it moves the cursor, colours, or turns the direction of what follows.
func hidden(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) }

// oneLine keeps what others wrote from moving the cursor or the columns.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if hidden(r) {
			return ' '
		}
		return r
	}, text)
}

// plain is a writer for people: what others wrote has lines and tabs, and no other
// power over the terminal.
type plain struct{ out io.Writer }

func (p plain) Write(b []byte) (int, error) {
	kept := bytes.Map(func(r rune) rune {
		if hidden(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, b)
	if _, err := p.out.Write(kept); err != nil {
		return 0, fmt.Errorf("print: %w", err)
	}
	return len(b), nil
}
