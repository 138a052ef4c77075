// Package ui holds the components that pages share: layout, badges, icons,
// fields, the problem card and the picture of a chain. A component takes one
// view struct of ready-to-print values and decides nothing but markup.
package ui

// Page is what the layout needs beside a page's own content.
type Page struct {
	Title   string // of the window, without the product's name
	Nav     string // which entry of the navigation is current: "backends", "environments", "audit"
	User    string // who is signed in; "" hides navigation and sign-out
	Version string
	NoWayIn string // where somebody who came by a one-time link chooses how to come back; "" for everybody else
	Links   Links
	Assets  Assets
}

// Links are the addresses that the layout points to. Users and Audit are "" for whom it is
// not.
type Links struct {
	Home, Backends, Sandboxes, Environments, Teams, Notices, Users, Audit, Account, API, SignOut string
}

// Assets are the addresses of the style sheets and scripts, with their hashes.
type Assets struct {
	Styles  []string
	Theme   string // runs before the first paint
	Scripts []string
}

// Crumb is one step of the way to a page.
type Crumb struct{ Label, URL string }

// Time is a moment in words and in full.
type Time struct {
	Words string // "3 min ago"
	Age   string // in seconds, of what is told as an age and grows older; else ""
	ISO   string // for the datetime attribute; "" prints the words alone
	Full  string // for the title
}

// Problem is a failure told to a person.
type Problem struct {
	Title     string
	Code      string
	Message   string
	Meaning   string
	Exists    string
	Past      bool // what existed may be gone since
	Advice    string
	Call      string // which AWS call it was, and the status of its answer
	RequestID string
	HelpURL   string // of the page that explains the code
}
