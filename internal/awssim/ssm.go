package awssim

import (
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"drawbridge/internal/awssim/wire"
)

func ssmOps() map[string]func(*Sim, []byte) (any, error) {
	return map[string]func(*Sim, []byte) (any, error){"GetParameter": getParameter, "GetParameters": getParameters}
}

// serveSSM answers JSON 1.1: the operation is in a header.
func (s *Sim) serveSSM(w http.ResponseWriter, r *http.Request) {
	_, op, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	run, ok := ssmOps()[op]
	if !ok {
		s.refuse(w, r, ssmFailure, wire.BadRequest("UnknownOperationException", "This simulator does not know the operation %s of SSM.", op))
		return
	}
	body, err := readBody(r)
	if err != nil {
		s.refuse(w, r, ssmFailure, err)
		return
	}
	s.perform(w, r, operation{service: "ssm", name: op, failure: ssmFailure, run: func(time.Time, string) (reply, error) {
		out, err := run(s, body)
		if err != nil {
			return reply{}, err
		}
		a := jsonReply(http.StatusOK, out)
		a.contentType = "application/x-amz-json-1.1"
		return a, nil
	}})
}

func decodeSSM(body []byte, v any) error {
	if err := json.Unmarshal(body, v); err != nil {
		return wire.BadRequest("SerializationException", "The request is not valid: %s", err)
	}
	return nil
}

// parameter gives a public parameter of Amazon Linux 2023.
func (s *Sim) parameter(name string) (map[string]any, bool) {
	ami, ok := imageParameter(name)
	if !ok {
		return nil, false
	}
	return map[string]any{"Name": name, "Type": "String", "Value": ami, "Version": 1, "DataType": "aws:ec2:image", "LastModifiedDate": 1755475200,
		"ARN": "arn:aws:ssm:" + s.region + "::parameter" + name}, true
}

func getParameter(s *Sim, body []byte) (any, error) {
	var in struct{ Name string }
	if err := decodeSSM(body, &in); err != nil {
		return nil, err
	}
	p, ok := s.parameter(in.Name)
	if !ok {
		return nil, wire.BadRequest("ParameterNotFound", "Parameter %s not found.", in.Name)
	}
	return map[string]any{"Parameter": p}, nil
}

func getParameters(s *Sim, body []byte) (any, error) {
	var in struct{ Names []string }
	if err := decodeSSM(body, &in); err != nil {
		return nil, err
	}
	found, missing := []any{}, []string{}
	for _, n := range in.Names {
		if p, ok := s.parameter(n); ok {
			found = append(found, p)
		} else {
			missing = append(missing, n)
		}
	}
	return map[string]any{"Parameters": found, "InvalidParameters": missing}, nil
}
