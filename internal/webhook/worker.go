package webhook

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"drawbridge/internal/model"
)

// Store is what the worker needs of the database. All times are its clock's.
type Store interface {
	DueWebhooks(ctx context.Context, keyID string) ([]model.DueWebhook, time.Duration, error)
	NextDelivery(ctx context.Context, due model.DueWebhook, keyID string, done *model.DeliveryOutcome, lease time.Duration) (*model.DeliveryClaim, error)
	SettleDelivery(ctx context.Context, done *model.DeliveryOutcome) error
	ReleaseDeliveries(ctx context.Context) (int, error)
}

// Options of a Worker. Store and Sender are needed.
type Options struct {
	Store  Store
	Sender *Sender
	// Exclusive: no other process works on this database, so claims that are
	// there at the start are left over from a process that is gone.
	Exclusive bool
	Logger    *slog.Logger
	// Observe is told of each attempt, may be nil, and must not block.
	Observe func(o *model.DeliveryOutcome)
}

const (
	// lease is how long a claim lasts: an attempt and what it takes to save it.
	lease = Timeout + 15*time.Second
	// perWebhook is how much is sent to one webhook at once; to one whose last
	// attempt failed it is one thing, so that those that hang take few places.
	perWebhook = 8
	// sharedSenders is how many senders all webhooks share that have one of
	// their own already.
	sharedSenders = 256
	// longestLook is how long it is from one look for what is due to the next
	// when nobody says that there is something.
	longestLook = 5 * time.Second
	// grace is how long a stop waits for what is being sent.
	grace = 3 * time.Second
)

// Worker sends what is due.
type Worker struct {
	o    Options
	wake chan struct{}

	mu      sync.Mutex
	senders map[string]int // by webhook
	shared  int            // senders that may still be added to such as have one
	wg      sync.WaitGroup
}

// New makes a worker. It does nothing until Run.
func New(o Options) *Worker {
	if o.Observe == nil {
		o.Observe = func(*model.DeliveryOutcome) {}
	}
	return &Worker{o: o, wake: make(chan struct{}, 1), senders: map[string]int{}, shared: sharedSenders}
}

// Wake tells the worker that something can be sent. It never blocks.
func (w *Worker) Wake() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// Run works until ctx ends; then it waits a moment for what is being sent, and
// gives back what is not done.
func (w *Worker) Run(ctx context.Context) error {
	if w.o.Sender.Key.ID() == "" { // another server's to send; see Key
		<-ctx.Done()
		return nil
	}
	if w.o.Exclusive {
		if n, err := w.o.Store.ReleaseDeliveries(ctx); err != nil {
			w.o.Logger.ErrorContext(ctx, "deliveries of the last run wait until their claims end", "error", err)
		} else if n > 0 {
			w.o.Logger.InfoContext(ctx, "deliveries of the last run are sent again", "deliveries", n)
		}
	}
	sending, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	w.look(ctx, sending)
	timer := time.AfterFunc(grace, stop)
	defer timer.Stop()
	w.wg.Wait()
	return nil
}

// look starts senders for what is due until ctx ends.
func (w *Worker) look(ctx, sending context.Context) {
	lastErr := ""
	for ctx.Err() == nil {
		due, wait, err := w.o.Store.DueWebhooks(ctx, w.o.Sender.Key.ID())
		if err != nil && ctx.Err() == nil && err.Error() != lastErr {
			lastErr = err.Error() // once, not at every look
			w.o.Logger.ErrorContext(ctx, "deliveries cannot be looked for", "error", err)
		}
		if err == nil {
			lastErr = ""
		}
		for _, d := range due {
			w.add(ctx, sending, d)
		}
		if wait <= 0 || wait > longestLook {
			wait = longestLook
		}
		timer := time.NewTimer(wait)
		select {
		case <-w.wake:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// add has one more sender work for the webhook, if it may have one. Its first
// always may: however many others hang, no webhook waits for them.
func (w *Worker) add(ctx, sending context.Context, due model.DueWebhook) {
	if ctx.Err() != nil || !w.enter(due) {
		return
	}
	w.wg.Go(func() { w.work(ctx, sending, due) })
}

// work sends to one webhook, one thing after another, until nothing is due or
// one fails: what is then to be sent to it the next look decides.
func (w *Worker) work(ctx, sending context.Context, due model.DueWebhook) {
	defer func() {
		w.leave(due.ID)
		w.Wake() // something may have come that was left to this one
	}()
	var done *model.DeliveryOutcome
	for {
		if done != nil && (ctx.Err() != nil || done.State != model.DeliveryDelivered) {
			w.settle(ctx, done)
			return
		}
		// Not under ctx: what was sent must be saved, and what is claimed sent.
		claim, err := w.o.Store.NextDelivery(context.WithoutCancel(ctx), due, w.o.Sender.Key.ID(), done, lease)
		if err != nil {
			w.o.Logger.ErrorContext(ctx, "the next delivery cannot be claimed", "webhook", due.ID, "error", err)
			return // its claim ends by itself, and it is sent again
		}
		if claim == nil {
			return
		}
		w.add(ctx, sending, due)
		done = w.o.Sender.Send(sending, claim)
		w.tell(ctx, done)
	}
}

// enter counts one more sender of the webhook; false when it has enough, or
// when what it would share with others is used up.
func (w *Worker) enter(due model.DueWebhook) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch have := w.senders[due.ID]; {
	case have == 0:
	case due.Failing, have >= perWebhook, w.shared <= 0:
		return false
	default:
		w.shared--
	}
	w.senders[due.ID]++
	return true
}

func (w *Worker) leave(id string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.senders[id]--; w.senders[id] == 0 {
		delete(w.senders, id)
	} else {
		w.shared++
	}
}

func (w *Worker) settle(ctx context.Context, done *model.DeliveryOutcome) {
	if err := w.o.Store.SettleDelivery(context.WithoutCancel(ctx), done); err != nil {
		w.o.Logger.ErrorContext(ctx, "what became of a delivery cannot be saved; it is sent again", "webhook", done.Claim.Webhook.ID, "error", err)
	}
}

// tell notes an attempt. The address is a secret, and the answer is not ours.
func (w *Worker) tell(ctx context.Context, o *model.DeliveryOutcome) {
	if o.Attempt == nil {
		return
	}
	w.o.Observe(o)
	level, text := slog.LevelDebug, "delivered"
	if o.Attempt.Error != "" {
		level, text = slog.LevelInfo, "not delivered"
	}
	w.o.Logger.Log(ctx, level, text, "webhook", o.Claim.Webhook.ID, "notice", o.Claim.Notice.ID, "status", o.Attempt.Status,
		"ms", o.Attempt.Millis, "state", string(o.State), "error", o.Attempt.Error)
}
