package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"testing"
)

// recorded is a part that tells the order in which it starts and stops.
func recorded(name string, log chan<- string, err error) part {
	return part{name, func(ctx context.Context) error {
		log <- name + " runs"
		<-ctx.Done()
		log <- name + " stops"
		return err
	}}
}

func TestRunParts_stopsInReverseOrder(t *testing.T) {
	t.Parallel()
	log := make(chan string, 6)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- runParts(ctx, []part{recorded("a", log, nil), recorded("b", log, nil), recorded("c", log, nil)}, slog.New(slog.DiscardHandler))
	}()
	for range 3 {
		<-log // all run
	}
	stop()
	got := []string{<-log, <-log, <-log}
	if want := []string{"c stops", "b stops", "a stops"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRunParts_aPartThatEndsEndsAll(t *testing.T) {
	t.Parallel()
	log := make(chan string, 2)
	broken := errors.New("broken")
	err := runParts(t.Context(), []part{
		recorded("a", log, nil),
		{"b", func(context.Context) error { return broken }},
	}, slog.New(slog.DiscardHandler))
	if !errors.Is(err, broken) {
		t.Errorf("ended with %v", err)
	}
}
