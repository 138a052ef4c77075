package awssim

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

// serveAdmin is the simulator's own endpoint, for this machine only.
func (s *Sim) serveAdmin(w http.ResponseWriter, r *http.Request) {
	if !fromLoopback(r) {
		adminError(w, http.StatusForbidden, "The admin endpoint answers this machine only.")
		return
	}
	// A page of another site must not arm faults through somebody's browser.
	if err := http.NewCrossOriginProtection().Check(r); err != nil {
		adminError(w, http.StatusForbidden, "The admin endpoint does not answer other sites.")
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxControlBody)
	parts := strings.Split(strings.TrimPrefix(r.URL.Path, "/_awssim/"), "/")
	switch {
	case r.Method == http.MethodGet && len(parts) == 1 && parts[0] == "":
		adminJSON(w, adminPaths)
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/health":
		adminJSON(w, map[string]string{"status": "ok"})
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/state":
		s.adminState(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/switches":
		adminJSON(w, s.Switches())
	case r.Method == http.MethodPut && r.URL.Path == "/_awssim/switches":
		s.adminSetSwitches(w, r)
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/faults":
		adminJSON(w, s.Faults())
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/calls":
		s.adminCalls(w)
	case r.Method == http.MethodGet && r.URL.Path == "/_awssim/access-logs":
		s.adminAccessLogs(w, r)
	case r.Method == http.MethodPost && r.URL.Path == "/_awssim/faults":
		s.adminAddFault(w, r)
	case r.Method == http.MethodDelete && r.URL.Path == "/_awssim/faults":
		s.ClearFaults()
		w.WriteHeader(http.StatusNoContent)
	case r.Method == http.MethodPost && len(parts) == 3 && parts[0] == "instances" && parts[2] == "forward":
		s.adminForward(w, r, parts[1])
	default:
		adminError(w, http.StatusNotFound, "There is no "+r.Method+" "+r.URL.Path+": GET /_awssim/ tells what there is.")
	}
}

// adminPaths is what there is, for people.
var adminPaths = map[string]string{
	"GET /_awssim/health":                                   "whether it answers",
	"GET /_awssim/state (account, region)":                  "what there is: instances, targets, load balancers, links, APIs with their invoke URLs",
	"GET /_awssim/calls":                                    "every call, a line of JSON each",
	"GET /_awssim/access-logs (kind=api or alb, id, limit)": "requests of an HTTP API or a load balancer",
	"GET /_awssim/switches":                                 "what is switched on",
	"PUT /_awssim/switches":                                 "replaces all of them; what is not sent has its default",
	"GET /_awssim/faults":                                   "calls that will go wrong",
	"POST /_awssim/faults":                                  "arms one, as " + faultExample,
	"DELETE /_awssim/faults":                                "disarms all",
	"POST /_awssim/instances/{id}/forward":                  `makes an instance answer with an app on this machine, as {"address": "127.0.0.1:8000"}; "" undoes it`,
}

const faultExample = `{"op": "ec2:RunInstances", "nth": 1, "when": "before", "do": {"kind": "error", "status": 500, "code": "InternalError"}}; do.kind drop and delay (delay_ns), when after, nth 0 for every call`

// fromLoopback asks for a loopback peer and, against a foreign name that was
// made to point here, a loopback host.
func fromLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !peer.Addr().Unmap().IsLoopback() {
		return false
	}
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return host == "localhost" || strings.HasSuffix(host, ".localhost") || err == nil && ip.IsLoopback()
}

func adminJSON(w http.ResponseWriter, v any) { write(w, jsonReply(http.StatusOK, v), requestUUID()) }

func adminError(w http.ResponseWriter, status int, message string) {
	write(w, jsonReply(status, map[string]string{"message": message}), requestUUID())
}

func (s *Sim) adminCalls(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/jsonl")
	enc := json.NewEncoder(w)
	for _, c := range s.Calls() {
		if enc.Encode(c) != nil {
			return // the client is gone
		}
	}
}

// adminState tells of home, or of the account and Region that the query names.
func (s *Sim) adminState(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	want := place{cmp.Or(q.Get("account"), s.account), cmp.Or(q.Get("region"), s.region)}
	s.placesMu.RLock()
	p, ok := s.places[want]
	s.placesMu.RUnlock()
	if !ok {
		adminError(w, http.StatusNotFound, "Nobody has called for the account "+want.account+" in "+want.region+".")
		return
	}
	adminJSON(w, p.overview())
}

// adminSetSwitches replaces all switches: one that is not sent is off.
func (s *Sim) adminSetSwitches(w http.ResponseWriter, r *http.Request) {
	var in Switches
	err := decodeStrictly(r, &in)
	if err == nil {
		err = s.SetSwitches(in)
	}
	if err != nil {
		adminError(w, http.StatusBadRequest, err.Error())
		return
	}
	adminJSON(w, s.Switches())
}

func decodeStrictly(r *http.Request, v any) error {
	d := json.NewDecoder(r.Body)
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is more than one value")
	}
	return nil
}

func (s *Sim) adminAddFault(w http.ResponseWriter, r *http.Request) {
	var f Fault
	err := decodeStrictly(r, &f)
	if err == nil {
		err = s.AddFault(f)
	}
	if err != nil {
		adminError(w, http.StatusBadRequest, err.Error()+". Write it as in "+faultExample+".")
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// adminForward sets or, with an empty address, takes away an instance's
// forward to this machine.
func (s *Sim) adminForward(w http.ResponseWriter, r *http.Request, id string) {
	var in struct {
		Address string `json:"address"`
	}
	if err := decodeStrictly(r, &in); err != nil {
		adminError(w, http.StatusBadRequest, err.Error())
		return
	}
	if err := s.Forward(id, in.Address); err != nil {
		e := wire.AsError(err)
		adminError(w, e.Status, e.Message)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// Forward makes an instance answer with the app at an address on this machine,
// as 127.0.0.1:8000; "" gives it the sample app back.
func (s *Sim) Forward(id, address string) error {
	if address != "" {
		if err := checkForward(address); err != nil {
			return wire.BadRequest("InvalidParameterValue", "%s", err)
		}
	}
	p := s.placeOfInstance(id)
	err := p.commit(func(now time.Time) error {
		i, err := (&call{Sim: p, now: now}).instance(id)
		if err != nil {
			return err
		}
		i.Tags = merged(i.Tags, nil)
		if address == "" {
			delete(i.Tags, forwardTag)
		} else {
			i.Tags[forwardTag] = address
		}
		return p.st.instances.put(i)
	})
	p.health.wake()
	return err
}

// placeOfInstance finds the account and Region of an instance, home when it is
// nowhere.
func (s *Sim) placeOfInstance(id string) *Sim {
	for _, p := range s.allPlaces() {
		p.mu.Lock()
		_, ok := p.st.instances.get(id)
		p.mu.Unlock()
		if ok {
			return p
		}
	}
	return s
}

// overview is what a person wants to see of the state.
func (s *Sim) overview() map[string]any {
	places := []any{}
	for _, p := range s.allPlaces() {
		places = append(places, map[string]any{"account": p.account, "region": p.region})
	}
	out := map[string]any{"region": s.region, "account": s.account, "places": places}
	// A failed write is shown by the next call that changes something.
	_ = s.commit(func(now time.Time) error {
		c := &restCall{Sim: s, now: now, port: portOf(s.public)}
		instances, targets, balancers, links, apis := []any{}, []any{}, []any{}, []any{}, []any{}
		for _, i := range s.st.instances.list(nil) {
			instances = append(instances, map[string]any{"id": i.ID, "state": i.stateAt(now, s.t).name, "ip": i.IP, "port": i.appPort(),
				"listening": i.listeningAt(now, s.t), "forward": i.Tags[forwardTag], "name": i.Tags["Name"]})
		}
		for _, t := range s.st.targets.list(nil) {
			h := s.healthAt(t, now)
			targets = append(targets, map[string]any{"group": t.Group, "instance": t.InstanceID, "port": t.Port, "state": h.State, "reason": h.Reason})
		}
		for _, b := range s.st.loadBalancers.list(nil) {
			balancers = append(balancers, map[string]any{"arn": b.ARN, "name": b.Name, "active": b.activeAt(now, s.t)})
		}
		for _, l := range s.st.links.list(nil) {
			links = append(links, c.linkView(l))
		}
		for _, a := range s.st.apis.list(nil) {
			apis = append(apis, map[string]any{"id": a.ID, "name": a.Name, "invoke_url": c.invokeURL(a.ID)})
		}
		out["instances"], out["targets"], out["load_balancers"], out["vpc_links"], out["apis"] = instances, targets, balancers, links, apis
		out["counts"] = s.snapshot(now)
		return nil
	})
	return out
}
