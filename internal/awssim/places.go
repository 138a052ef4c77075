package awssim

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"drawbridge/internal/awssim/journal"
)

// place is an account's part of a Region: what one client sees.
type place struct{ account, region string }

const (
	maxPlaces = 100        // each has a goroutine and, with a state directory, a file
	placesDir = "accounts" // in the state directory: accounts/ACCOUNT/REGION
)

var errTooManyPlaces = fmt.Errorf("this simulator keeps at most %d pairs of an account and a Region", maxPlaces)

// openPlaces opens home and every place that the state directory knows.
func (sh *shared) openPlaces(home place, public string) error {
	s, err := sh.open(home, sh.dir, public)
	if err != nil {
		return err
	}
	sh.home = s
	if sh.dir == "" {
		return nil
	}
	root := filepath.Join(sh.dir, placesDir)
	accounts, err := os.ReadDir(root)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read state directory: %w", err)
	}
	for _, a := range accounts {
		regions, err := os.ReadDir(filepath.Join(root, a.Name()))
		if err != nil {
			return fmt.Errorf("read state directory: %w", err)
		}
		for _, r := range regions {
			if p := (place{a.Name(), r.Name()}); accountRE.MatchString(p.account) && regionRE.MatchString(p.region) && p != home {
				if _, err := sh.open(p, sh.placeDir(p), public); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (sh *shared) placeDir(p place) string {
	if sh.dir == "" {
		return ""
	}
	return filepath.Join(sh.dir, placesDir, p.account, p.region)
}

// open loads the state of a place. The caller makes sure that it is not open.
func (sh *shared) open(p place, dir, public string) (*Sim, error) {
	s := &Sim{shared: sh, region: p.region, account: p.account, public: public, st: newState(),
		fresh: map[string]time.Time{}, buckets: map[string]*bucket{}, writing: map[string]bool{}, probes: map[string]*probe{}}
	if dir != "" {
		j, rows, err := journal.Open(dir)
		if err != nil {
			return nil, err
		}
		if err := s.st.load(rows); err != nil {
			return nil, errors.Join(err, j.Close())
		}
		s.journal = j
	}
	s.health = startHealthChecker(sh.ctx, s)
	sh.places[p] = s
	return s, nil
}

// at returns the state of an account in a Region, which begins empty.
func (sh *shared) at(p place) (*Sim, error) {
	sh.placesMu.RLock()
	s, ok := sh.places[p]
	sh.placesMu.RUnlock()
	if ok {
		return s, nil
	}
	sh.placesMu.Lock()
	defer sh.placesMu.Unlock()
	if s, ok := sh.places[p]; ok {
		return s, nil
	}
	if sh.ctx.Err() != nil {
		return nil, errors.New("the simulator is closed")
	}
	if len(sh.places) >= maxPlaces {
		return nil, errTooManyPlaces
	}
	sh.home.mu.Lock()
	public := sh.home.public
	sh.home.mu.Unlock()
	return sh.open(p, sh.placeDir(p), public)
}

// allPlaces returns home first, then the others by account and Region.
func (sh *shared) allPlaces() []*Sim {
	sh.placesMu.RLock()
	defer sh.placesMu.RUnlock()
	out := slices.SortedFunc(maps.Values(sh.places), func(a, b *Sim) int {
		switch {
		case a == sh.home:
			return -1
		case b == sh.home:
			return 1
		}
		return byID(func(s *Sim) string { return s.account + s.region })(a, b)
	})
	return out
}

// iamProfiles returns the account's instance profiles, which are the same in
// every Region: they are kept with the account's part of the home Region. It is
// called under mu.
func (s *Sim) iamProfiles() ([]instanceProfile, error) {
	p, err := s, error(nil)
	if s.region != s.home.region {
		if p, err = s.at(place{s.account, s.home.region}); err != nil {
			return nil, err
		}
		p.mu.Lock() // never held by who waits for another Region's
		defer p.mu.Unlock()
	}
	var out []instanceProfile
	for _, r := range visible(p, p.st.profiles, nil, s.now()) {
		out = append(out, *r)
	}
	return out, nil
}

func (s *Sim) setPublic(address string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.public == "" {
		s.public = address
	}
}

// gatewayAt returns the place whose API a host names.
func (sh *shared) gatewayAt(apiID, region string) (s *Sim, ok bool) {
	sh.placesMu.RLock()
	alone := sh.home.region == region && len(sh.places) == 1
	sh.placesMu.RUnlock()
	if alone {
		return sh.home, true
	}
	for _, s := range sh.allPlaces() { // under no lock of a place's while another is taken
		if s.region == region && s.hasAPI(apiID) {
			return s, true
		}
	}
	return nil, false
}

func (s *Sim) hasAPI(id string) bool {
	if _, ok := s.st.traffic.plans.Load(id); ok {
		return true // no lock on the way of requests; the plan tells when it is gone
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	_, ok := s.st.apis.get(id)
	return ok
}

// SnapshotOf returns what exists now in an account's part of a Region.
func (s *Sim) SnapshotOf(account, region string) Snapshot {
	s.placesMu.RLock()
	p, ok := s.places[place{account, region}]
	s.placesMu.RUnlock()
	if !ok {
		return Snapshot{}
	}
	return p.Snapshot()
}
