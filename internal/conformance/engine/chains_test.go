package engine

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// between looks whether a job has ended. It does not blur the figures: the
// job itself says when it ended.
const between = 250 * time.Millisecond

// chain is a backend and its newest job.
type chain struct {
	backend model.Backend
	job     model.Job
}

// register saves n backends.
func (s *site) register(n int) []*chain {
	s.b.Helper()
	chains := make([]*chain, n)
	for i := range chains {
		chains[i] = &chain{}
		body := fmt.Sprintf(`{"name":"chain-%d","spec":{"source":"launch","port":8000}}`, i+1)
		if err := s.ask("POST", "/backends", body, &chains[i].backend); err != nil {
			s.b.Fatal(err)
		}
	}
	return chains
}

// figures are what a run of jobs cost.
type figures struct {
	took      time.Duration // from the first request until the last job was done
	bound     time.Duration
	path      string // that the bound is of
	calls     float64
	mutations float64 // both for each chain
	cpu       time.Duration
	peakMB    float64
}

func (f figures) ratio() float64 { return f.took.Seconds() / f.bound.Seconds() }

// provision makes all chains at once. A chain is usable when its job is done:
// its last step is a request through the invoke URL that the app answered.
// Each is asked once more from outside.
func (s *site) provision(chains []*chain) figures {
	s.b.Helper()
	f := s.measure(chains, func(c *chain) error {
		return s.ask("POST", "/backends/"+c.backend.ID+"/provision", "", &c.job)
	})
	f.bound, f.path = s.pace.bound(len(chains), s.pace.provisionPaths())
	for _, c := range chains {
		if err := s.ask("GET", "/backends/"+c.backend.ID, "", &c.backend); err != nil {
			s.b.Fatal(err)
		}
		res := must[*http.Response](s.b)(local.Get(c.backend.InvokeURL))
		res.Body.Close()
		if res.StatusCode != http.StatusOK {
			s.b.Errorf("%s answers %s", c.backend.InvokeURL, res.Status)
		}
	}
	return f
}

// destroy takes all chains down at once.
func (s *site) destroy(chains []*chain) figures {
	s.b.Helper()
	f := s.measure(chains, func(c *chain) error { return s.ask("DELETE", "/backends/"+c.backend.ID, "", &c.job) })
	f.bound, f.path = s.pace.bound(len(chains), s.pace.destroyPaths())
	return f
}

var mutating = regexp.MustCompile(`^(Create|Delete|Run|Terminate|Register|Deregister|Authorize|Revoke|Modify|Set|Add|Remove|Update|Tag|Untag)`)

// measure begins a job for each chain, all at once, and waits for their ends.
func (s *site) measure(chains []*chain, begin func(*chain) error) figures {
	s.b.Helper()
	cpu, began := s.panel.cpu(), time.Now()
	errs := make([]error, len(chains))
	var all sync.WaitGroup
	for i, c := range chains {
		all.Go(func() { errs[i] = begin(c) })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.b.Fatal(err)
	}
	ended := began
	for _, c := range chains {
		s.await(c)
		if c.job.FinishedAt.After(ended) {
			ended = c.job.FinishedAt
		}
	}
	f := figures{took: ended.Sub(began), cpu: s.panel.cpu() - cpu, peakMB: s.panel.peak()}
	for _, call := range s.calls(began) {
		f.calls++
		if mutating.MatchString(call.Operation) {
			f.mutations++
		}
	}
	n := float64(len(chains))
	f.calls, f.mutations, f.cpu = f.calls/n, f.mutations/n, f.cpu/time.Duration(len(chains))
	return f
}

// await returns when the chain's job has ended well.
func (s *site) await(c *chain) {
	s.b.Helper()
	tick := time.NewTicker(between)
	defer tick.Stop()
	for {
		if err := s.ask("GET", "/jobs/"+c.job.ID, "", &c.job); err != nil {
			s.b.Fatal(err)
		}
		switch {
		case c.job.State == model.JobSucceeded:
			return
		case c.job.State.Ended():
			s.b.Fatalf("job %s %s: %+v", c.job.Operation, c.job.State, c.job.Problem)
		}
		<-tick.C
	}
}
