package model

// Selection is a page of a list and what narrows it. Empty fields narrow nothing.
type Selection struct {
	State       string // of a job; whether a test run passed, "true" or "false"
	What        string // a job's operation; a test run's name
	OldestFirst bool
	After       string // id of the thing that the page goes on after
	Limit       int
}
