package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
)

// part is something that works until its context ends.
type part struct {
	name string
	run  func(ctx context.Context) error
}

// runParts starts the parts in order and, when ctx ends or one of them
// returns, stops them in reverse order, each before the next.
func runParts(ctx context.Context, parts []part, logger *slog.Logger) error {
	type running struct {
		part
		stop context.CancelFunc
		done chan error
	}
	var started []running
	ended := make(chan string, len(parts))
	for _, p := range parts {
		// Not under ctx: a part stops when its turn comes, not with all the others.
		partCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		r := running{p, stop, make(chan error, 1)}
		started = append(started, r)
		go func() {
			r.done <- r.run(partCtx)
			ended <- r.name
		}()
	}
	select {
	case <-ctx.Done():
		logger.Info("stopping; running jobs go on at the next start")
	case name := <-ended:
		logger.Error("a part ended by itself", "part", name)
	}
	var errs []error
	for i := len(started) - 1; i >= 0; i-- {
		started[i].stop()
		if err := <-started[i].done; err != nil && !errors.Is(err, context.Canceled) {
			errs = append(errs, fmt.Errorf("%s: %w", started[i].name, err))
		}
	}
	return errors.Join(errs...)
}
