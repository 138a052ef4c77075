package main

import (
	"github.com/alecthomas/kong"

	"drawbridge/internal/ctl"
)

// ctlCmd asks a panel that runs elsewhere, over REST.
type ctlCmd struct{ ctl.Cmd }

// AfterApply lets the commands below find the flags that they share.
func (c *ctlCmd) AfterApply(cmd *kong.Context) error {
	cmd.Bind(&c.Cmd)
	return nil
}
