package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"drawbridge/internal/auth"
	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// OpenStore opens and migrates the database as its only process.
func OpenStore(ctx context.Context, cfg Config, logger *slog.Logger) (*store.Store, error) {
	return openStore(ctx, cfg, logger, hooks{})
}

// hooks are told what the store does; each may be nil.
type hooks struct {
	event   func(backendID string)
	failure func(op string)
	access  func()
	deliver func()
}

func openStore(ctx context.Context, cfg Config, logger *slog.Logger, h hooks) (*store.Store, error) {
	o, err := storeOptions(cfg, logger)
	if err != nil {
		return nil, err
	}
	if h.event != nil {
		o.OnEvent = func(backendID string, _ int64) { h.event(backendID) }
	}
	o.OnFailure, o.OnAccess, o.OnDelivery = h.failure, h.access, h.deliver
	return store.Open(ctx, o)
}

func storeOptions(cfg Config, logger *slog.Logger) (store.Options, error) {
	o := store.Options{DSN: cfg.Database, Logger: logger, Now: cfg.Now}
	if cfg.Database != "" {
		return o, nil
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return o, &model.Error{Code: model.CodeUnavailable, Err: err,
			Message: fmt.Sprintf("The data directory %s cannot be made. Choose another with --data-dir", cfg.DataDir)}
	}
	o.DSN = "sqlite:" + filepath.Join(cfg.DataDir, "drawbridge.db")
	return o, nil
}

// seed saves the configured environments; those of the same name are brought
// up to date (the simulator's port may have changed).
func seed(ctx context.Context, st *store.Store, envs []model.Environment) error {
	return st.InTx(ctx, func(q *store.Queries) error {
		for i := range envs {
			if err := envs[i].Validate(); err != nil {
				return err
			}
			if err := q.UpsertEnvironment(ctx, &envs[i]); err != nil {
				return fmt.Errorf("save environment %s: %w", envs[i].Name, err)
			}
		}
		return nil
	})
}

// openBeside opens the database of cfg for a short errand, beside a server that
// may be running on it.
func openBeside(ctx context.Context, cfg Config, logger *slog.Logger) (*store.Store, error) {
	o, err := storeOptions(cfg, logger)
	if err != nil {
		return nil, err
	}
	o.Shared = true
	return store.Open(ctx, o)
}

// TokenRequest is what CreateToken makes a token for.
type TokenRequest struct {
	Team string // by name
	Name string
	Role model.Role
	TTL  time.Duration
}

// CreateToken makes an API token in the database of cfg, beside a server that
// may be running on it.
func CreateToken(ctx context.Context, cfg Config, logger *slog.Logger, r TokenRequest) (string, *model.Token, error) {
	st, err := openBeside(ctx, cfg, logger)
	if err != nil {
		return "", nil, err
	}
	defer st.Close()
	a := auth.New(st, auth.Options{Logger: logger})
	if err := a.SeedAdmin(ctx); err != nil {
		return "", nil, err
	}
	request := model.TokenRequest{Name: r.Name, Role: r.Role, TTL: r.TTL}
	if r.Role != model.RoleAdmin { // an admin's is for every team
		team, err := st.Read().TeamByName(ctx, r.Team)
		if err != nil {
			return "", nil, err
		}
		request.TeamID = team.ID
	}
	request.Actor = commandLine()
	return a.CreateToken(ctx, request)
}

// RescueLink makes a one-time link that signs an existing user in who has lost
// every other way, in the database of cfg, and returns it with their name.
func RescueLink(ctx context.Context, cfg Config, logger *slog.Logger, login string) (link, name string, err error) {
	st, err := openBeside(ctx, cfg, logger)
	if err != nil {
		return "", "", err
	}
	defer st.Close()
	token, u, err := auth.New(st, auth.Options{Logger: logger}).NewRescueLink(ctx, commandLine(), login)
	if err != nil {
		return "", "", err
	}
	return strings.TrimSuffix(cfg.Access.URL, "/") + "/sign-in/" + url.PathEscape(token) + "?next=/account", u.Name, nil
}

// commandLine is somebody with a shell on the server's machine, who may read
// and write the database anyway.
func commandLine() model.Actor { return model.Actor{Name: "command line", Admin: true} }
