package model

import "time"

// APICall is one call that an environment's control plane answered.
type APICall struct {
	At        time.Time `json:"at"`
	Service   string    `json:"service"`
	Operation string    `json:"operation"`
	Status    int       `json:"status"`         // 0 when no answer was sent
	Code      string    `json:"code,omitempty"` // AWS's error code
	Millis    float64   `json:"millis"`
	RequestID string    `json:"request_id"`
	IDs       []string  `json:"ids,omitempty"` // resources that it was about
}

// Sources of an AccessLog.
const (
	AccessLogAPI = "api" // an HTTP API's stage
	AccessLogALB = "alb" // a load balancer
)

// AccessLog is one request as a hop of the data plane logged it.
type AccessLog struct {
	At        time.Time `json:"at"`
	Source    string    `json:"source"`   // AccessLogAPI or AccessLogALB
	Resource  string    `json:"resource"` // API id or load balancer ARN
	Method    string    `json:"method"`
	Path      string    `json:"path"`
	Status    int       `json:"status"`   // what the hop answered
	Upstream  int       `json:"upstream"` // what the next hop answered; 0 when it did not
	Millis    float64   `json:"millis"`
	RequestID string    `json:"request_id"`
	Line      string    `json:"line"` // in AWS's format
}
