package panel

import (
	"context"
	"time"

	"drawbridge/internal/model"
)

// WaitJob waits until the job has ended, atMost has passed or ctx ends, and
// returns the job as it is then: that time is up is no error. viewer.
func (p *Panel) WaitJob(ctx context.Context, a model.Actor, id string, atMost time.Duration) (*model.Job, error) {
	j, err := p.job(ctx, a, SeeBackends, id)
	if err != nil || j.State.Ended() || atMost <= 0 {
		return j, err
	}
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	err = p.Hub.Until(ctx, j.BackendID, func() (bool, error) {
		if err := p.still(ctx, a); err != nil {
			return false, err
		}
		now, err := p.Store.Read().JobByID(ctx, id)
		if err != nil {
			return false, err
		}
		j = now
		return j.State.Ended(), nil
	})
	if ctx.Err() != nil {
		err = nil
	}
	return j, err
}
