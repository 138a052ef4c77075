package app

import (
	"context"
	"log/slog"
	"net/netip"
	"path/filepath"
	"strings"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/probe"
	"drawbridge/internal/store"
	"drawbridge/internal/webhook"
)

// WebhookConfig says how webhooks are sent.
type WebhookConfig struct {
	// KeyFile holds what their secrets are sealed with, the same for all
	// replicas; "" = a file in the data directory, made when it is not there.
	KeyFile string
	// Networks may be sent to though they are not public, on any port.
	Networks []string
}

// ownKey is the key's file in the data directory.
const ownKey = "secret.key"

// key reads the key. Where nobody named one and the data directory cannot hold
// it, there are no webhooks, and everything else works.
func (c *WebhookConfig) key(dataDir string, shared bool, logger *slog.Logger) (*webhook.Key, error) {
	if c.KeyFile != "" {
		return webhook.ReadKey(c.KeyFile)
	}
	k, err := webhook.OwnKey(filepath.Join(dataDir, ownKey))
	if err != nil {
		logger.Warn("there can be no webhooks here; give the server a key with --secret-key-file", "error", err)
		return &webhook.Key{}, nil
	}
	if shared {
		logger.Info("webhooks that are made here are sent by this server only; give all replicas the same --secret-key-file", "key", k.ID())
	}
	return k, nil
}

// ownNetworks reads what a flag names as the operator's own networks.
func ownNetworks(flag string, texts []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, text := range texts {
		p, err := netip.ParsePrefix(strings.TrimSpace(text))
		if addr, isAddr := netip.ParseAddr(strings.TrimSpace(text)); err != nil && isAddr == nil {
			p, err = netip.PrefixFrom(addr.WithZone(""), addr.BitLen()), nil
		}
		if err != nil {
			return nil, model.Errorf(model.CodeInvalid, "%s takes addresses and networks, as 10.1.0.0/16; %q is none.", flag, text)
		}
		out = append(out, p.Masked())
	}
	return out, nil
}

// newSender makes what seals the secrets of webhooks and sends to them.
func (a *App) newSender() (*webhook.Sender, error) {
	networks, err := ownNetworks("--webhook-networks", a.cfg.Webhooks.Networks)
	if err != nil {
		return nil, err
	}
	key, err := a.cfg.Webhooks.key(a.cfg.DataDir, a.Store.Dialect() == store.PostgreSQL, a.logger)
	if err != nil {
		return nil, err
	}
	client := probe.New(probe.Options{UserAgent: "Drawbridge/" + a.cfg.Version + " (webhook)", Timeout: webhook.Timeout,
		MaxBody: webhook.MaxAnswer, Networks: networks})
	return &webhook.Sender{Key: key, Client: client, URL: a.URL(), Now: a.Store.Now}, nil
}

// wakeWebhooks has what can be sent sent now.
func (a *App) wakeWebhooks() {
	if a.webhooks != nil {
		a.webhooks.Wake()
	}
}

func (a *App) backlog(ctx context.Context) (model.DeliveryBacklog, error) {
	return a.Store.Read().DeliveryBacklog(ctx)
}

// pruneNoticesEvery is how often old notices and deliveries are dropped.
const pruneNoticesEvery = time.Hour

// pruneNotices forgets notices and deliveries whose time is over.
func (a *App) pruneNotices(ctx context.Context) error {
	return every(ctx, pruneNoticesEvery, func() {
		if err := a.Store.PruneNotices(ctx); err != nil && ctx.Err() == nil {
			a.logger.WarnContext(ctx, "drop old notices", "error", err)
		}
	})
}

// every calls do at once and then at each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		do()
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}
