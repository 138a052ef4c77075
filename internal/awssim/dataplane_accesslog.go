package awssim

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Kinds of access logs.
const (
	APILog = "api"
	ALBLog = "alb"
)

// AccessLogQuery chooses access logs. An API's id, the id and a stage as in
// a1b2c3d4e5/$default, or a load balancer's ARN; "" = all of the kind.
type AccessLogQuery struct {
	Kind  string `json:"kind"` // "api", "alb" or "" for both
	ID    string `json:"id"`
	Limit int    `json:"limit"` // the newest; 0 = all that are kept
}

// AccessLog is one request as a stage of an HTTP API or a load balancer has
// logged it. Latencies that do not apply are 0.
type AccessLog struct {
	Kind      string    `json:"kind"`
	ID        string    `json:"id"` // API id and stage, or the load balancer's ARN
	Time      time.Time `json:"time"`
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Status    int       `json:"status"`
	Behind    int       `json:"behind"` // status of the integration or of the target; 0 = not asked
	RequestID string    `json:"request_id"`
	Latency   Latency   `json:"latency"`
	Line      string    `json:"line"` // in AWS's format
}

// Latency is how long the parts of a request took.
type Latency struct {
	Total       time.Duration `json:"total_ns"`
	Integration time.Duration `json:"integration_ns"` // API: from the gateway's sending to the answer's headers
	Request     time.Duration `json:"request_ns"`     // ALB: until the target was asked
	Target      time.Duration `json:"target_ns"`      // ALB: until its answer's headers
	Response    time.Duration `json:"response_ns"`    // ALB: until the answer was passed on
}

// keptLogs is how many requests each stage and each load balancer keeps.
const keptLogs = 500

// logRing keeps the last requests.
type logRing struct {
	mu   sync.Mutex
	rows []AccessLog
	next int // the oldest, once the ring is full
}

func (l *logRing) add(row AccessLog) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.rows) < keptLogs {
		l.rows = append(l.rows, row)
		return
	}
	l.rows[l.next] = row
	l.next = (l.next + 1) % keptLogs
}

func (l *logRing) all() []AccessLog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Concat(l.rows[l.next:], l.rows[:l.next])
}

// AccessLogs returns the newest requests that match, oldest first.
func (s *Sim) AccessLogs(q AccessLogQuery) []AccessLog {
	var out []AccessLog
	for _, p := range s.allPlaces() {
		p.st.traffic.logs.Range(func(k, v any) bool {
			kind, id, _ := strings.Cut(k.(string), " ")
			if (q.Kind == "" || q.Kind == kind) && (q.ID == "" || q.ID == id || kind == APILog && strings.HasPrefix(id, q.ID+"/")) {
				out = append(out, v.(*logRing).all()...)
			}
			return true
		})
	}
	slices.SortStableFunc(out, func(a, b AccessLog) int { return a.Time.Compare(b.Time) })
	if q.Limit > 0 && len(out) > q.Limit {
		out = out[len(out)-q.Limit:]
	}
	return out
}

// adminAccessLogs answers GET /_awssim/access-logs?kind=api&id=a1b2c3d4e5&limit=50.
func (s *Sim) adminAccessLogs(w http.ResponseWriter, r *http.Request) {
	q := AccessLogQuery{Kind: r.FormValue("kind"), ID: r.FormValue("id"), Limit: 100}
	if text := r.FormValue("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			adminError(w, http.StatusBadRequest, "limit must be a number, 0 for all: "+text)
			return
		}
		q.Limit = n
	}
	if q.Kind != "" && q.Kind != APILog && q.Kind != ALBLog {
		adminError(w, http.StatusBadRequest, "kind must be api or alb, or be left out: "+q.Kind)
		return
	}
	adminJSON(w, append([]AccessLog{}, s.AccessLogs(q)...))
}

// arrive logs a journey that has ended, however it did.
func (s *Sim) arrive(j *journey) {
	if j.hop.endFlight != nil {
		j.hop.endFlight()
	}
	if j.api == nil || j.stage == nil {
		return // no stage, no log
	}
	now := s.now()
	logs := &s.st.traffic.logs
	fresh := func() *logRing { return &logRing{} }
	id := j.api.api.ID + "/" + j.stageName()
	row := AccessLog{Kind: APILog, ID: id, Time: j.started, Method: j.in.Method, Path: j.in.URL.Path, Status: j.answer.status, RequestID: j.id,
		Latency: Latency{Total: now.Sub(j.started)}}
	if j.hop.used {
		row.Behind = j.hop.status
		row.Latency.Integration = j.hop.answered.Sub(j.hop.sent)
	}
	row.Line = j.apiLine(row)
	loadOrNew(logs, APILog+" "+id, fresh).add(row)
	if !j.hop.used {
		return
	}
	hop := row
	hop.Kind, hop.ID, hop.Time, hop.Status, hop.Behind, hop.RequestID = ALBLog, j.way.balancer.ARN, now, j.hop.status, j.hop.targetStatus, j.hop.trace
	hop.Latency = j.hop.latency(now)
	hop.Line = j.balancerLine(hop)
	loadOrNew(logs, ALBLog+" "+hop.ID, fresh).add(hop)
}

func (h *hop) latency(now time.Time) Latency {
	l := Latency{Total: now.Sub(h.sent)}
	if !h.asked.IsZero() {
		l.Request, l.Target, l.Response = h.asked.Sub(h.sent), h.answered.Sub(h.asked), now.Sub(h.answered)
	}
	return l
}

// defaultLogFormat is the JSON format that AWS's console suggests.
const defaultLogFormat = `{"requestId":"$context.requestId","ip":"$context.identity.sourceIp","requestTime":"$context.requestTime",` +
	`"httpMethod":"$context.httpMethod","routeKey":"$context.routeKey","status":"$context.status","protocol":"$context.protocol",` +
	`"responseLength":"$context.responseLength"}`

// note keeps what the load balancer's log shows of a request.
func (j *journey) note(r *http.Request, m matched) {
	h := &j.hop
	h.rule, h.action = m.priority, m.action.Type
	h.request = r.Method + " http://" + hostOnly(r.Host) + ":" + itoa(j.way.listener.Port) + r.URL.RequestURI() + " HTTP/1.1"
	h.agent, h.host, h.trace = r.UserAgent(), hostOnly(r.Host), j.trace
}

func logFormat(st *stage) string {
	var settings struct{ Format string }
	if json.Unmarshal(st.AccessLog, &settings) != nil || settings.Format == "" {
		return defaultLogFormat
	}
	return settings.Format
}
