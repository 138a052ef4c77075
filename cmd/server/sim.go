package main

import (
	"context"
	"fmt"
	"log/slog"

	"drawbridge/internal/app"
)

type simCmd struct {
	DataDir string `help:"Folder of the simulator's state; empty = in memory." placeholder:"DIR"`
	simFlags
}

// Run serves the simulated AWS alone until ctx ends.
func (c *simCmd) Run(ctx context.Context, logger *slog.Logger) error {
	s, err := app.NewSim(c.config(), c.DataDir, logger)
	if err != nil {
		return err
	}
	fmt.Printf("Simulated AWS at %s - region %s, %s, subnets %v, instance %s\n", s.URL(), app.SimRegion, s.World.VPCID, s.World.SubnetIDs, s.World.InstanceID)
	fmt.Printf("  export AWS_ENDPOINT_URL=%s AWS_REGION=%s AWS_ACCESS_KEY_ID=local AWS_SECRET_ACCESS_KEY=local\n", s.URL(), app.SimRegion)
	return s.Run(ctx)
}
