package model

import "testing"

// TestNormalEmail: one spelling of an address, and no address by another's.
func TestNormalEmail(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{
		" Ada@Example.COM ": "ada@example.com", "zoë@example.com": "zoë@example.com", "ZOË@example.com": "zoë@example.com",
		"\u212Aim@example.com": "", "jo\u0130@example.com": "", // in lower case these would be kim's and joi's
		"ada": "", "ada@": "", "Ada <ada@example.com>": "", "ada@example.com\r\nBcc: eve@example.com": "", "ada@example.com,eve@example.com": "", "": "",
	} {
		got, why := NormalEmail(typed)
		if (why == "") != (want != "") || want != "" && got != want {
			t.Errorf("%q is %q (%s), want %q", typed, got, why, want)
		}
	}
}
