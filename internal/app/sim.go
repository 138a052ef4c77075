package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"

	"drawbridge/internal/awssim"
	"drawbridge/internal/model"
)

// SimRegion is the Region of the simulated AWS, the article's.
const SimRegion = "ap-northeast-1"

// Sim is a simulated AWS on a listener.
type Sim struct {
	*awssim.Sim
	World awssim.World

	listener net.Listener
}

// NewSim loads or seeds a simulated AWS whose state is in dataDir ("" = in
// memory) and listens for it.
func NewSim(cfg SimConfig, dataDir string, logger *slog.Logger) (_ *Sim, err error) {
	profile, err := awssim.ParseProfile(cfg.Profile)
	if err != nil {
		return nil, model.Errorf(model.CodeInvalid, "The time profile of --sim-profile cannot be read: %s.", err)
	}
	if dataDir != "" {
		dataDir = filepath.Join(dataDir, "simulated-aws")
		if err := os.MkdirAll(dataDir, 0o700); err != nil {
			return nil, &model.Error{Code: model.CodeUnavailable, Err: err,
				Message: fmt.Sprintf("The folder %s cannot be made. Choose another with --data-dir", dataDir)}
		}
	}
	l, err := listen(cfg.Listen, "--sim-listen")
	if err != nil {
		return nil, err
	}
	s := &Sim{listener: l}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if !cfg.AllowRemote && !l.Addr().(*net.TCPAddr).IP.IsLoopback() {
		return nil, model.Errorf(model.CodeInvalid, "The simulated AWS listens on loopback only: it checks no credentials, unless \"server sim\" is given --sim-secret. Choose a 127.0.0.1 address with --sim-listen, or say --sim-remote.")
	}
	s.Sim, err = awssim.New(awssim.Options{
		Dir: dataDir, Profile: profile, Times: cfg.Times, Region: SimRegion, Logger: logger, Public: browsable(l.Addr()),
		Secret: cfg.Secret, CallLog: cfg.CallLog, Switches: cfg.Switches,
	})
	if err != nil {
		return nil, fmt.Errorf("load the simulated AWS: %w", err)
	}
	if s.World, err = s.Seed(); err != nil {
		return nil, fmt.Errorf("seed the simulated AWS: %w", err)
	}
	return s, nil
}

// URL is the endpoint of every service.
func (s *Sim) URL() string { return "http://" + browsable(s.listener.Addr()) }

// Environment is how the panel knows the simulated AWS: a custom endpoint
// with keys of no value.
func (s *Sim) Environment() model.Environment {
	return model.Environment{
		Name: "simulated", Description: "The simulated AWS inside Drawbridge: real requests, no account, no cost",
		Region: SimRegion, VPCID: s.World.VPCID, SubnetIDs: s.World.SubnetIDs,
		Endpoint: s.URL(), Credentials: model.CredentialsLocal,
	}
}

// Run serves until ctx ends.
func (s *Sim) Run(ctx context.Context) error { return s.Serve(ctx, s.listener) }

// Close frees the listener and the state directory.
func (s *Sim) Close() {
	_ = s.listener.Close()
	if s.Sim != nil {
		_ = s.Sim.Close()
	}
}
