package app

import (
	"fmt"
	"os"
	"time"

	"drawbridge/internal/events"
	"drawbridge/internal/jobs"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// Where replicas share the database, another takes a killed one's jobs over
// after what is left of the lease and, at most, one look.
const (
	sharedLease = 6 * time.Second
	sharedPoll  = time.Second
)

func (a *App) workerOptions(handlers map[model.Operation]jobs.Handler) jobs.Options {
	o := jobs.Options{
		Handlers: handlers, Holder: holder(), Lease: a.cfg.Lease, Logger: a.logger,
		Observer: a.metrics, Context: a.jobContext,
		Exclusive: a.Store.Dialect() == store.SQLite, // one process owns the file
	}
	if o.Exclusive {
		return o
	}
	o.Poll = sharedPoll
	if o.Lease == 0 {
		o.Lease = sharedLease
	}
	return o
}

// heard acts on what other replicas say. All of it would be found a little
// later, too.
func heard(worker *jobs.Worker, hub *events.Hub, deliver func()) func(store.Notice) {
	return func(n store.Notice) {
		switch n.Kind {
		case store.NoticeMissed:
			worker.Wake()
			deliver()
		case store.NoticeQueued:
			worker.Wake()
		case store.NoticeDelivery:
			deliver()
		case store.NoticeCancel:
			worker.Cancel(n.ID)
		case store.NoticeEvents:
			hub.Wake(n.ID)
		case store.NoticeAccess:
			hub.WakeAll()
		}
	}
}

// holder names this process in leases.
func holder() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown-host"
	}
	return fmt.Sprintf("%s:%d:%s", host, os.Getpid(), model.ShortID(model.NewID("")))
}
