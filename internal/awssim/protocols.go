package awssim

import (
	"cmp"
	"encoding/json"
	"maps"
	"net/http"

	"drawbridge/internal/awssim/wire"
)

const (
	ec2NS   = "http://ec2.amazonaws.com/doc/2016-11-15/"
	elbNS   = "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"
	iamNS   = "https://iam.amazonaws.com/doc/2010-05-08/"
	stsNS   = "https://sts.amazonaws.com/doc/2011-06-15/"
	textXML = "text/xml;charset=UTF-8"
)

func ec2Success(op, id string, out []wire.Node) reply {
	n := wire.El(op+"Response", append([]wire.Node{wire.Str("requestId", id)}, out...)...)
	n.XMLNS = ec2NS
	return reply{status: http.StatusOK, contentType: textXML, body: n.Encode()}
}

// ec2Failure has EC2's statuses from the error, unless a switch says another.
func (sh *shared) ec2Failure(e *wire.Error, id string) reply {
	n := wire.El("Response",
		wire.El("Errors", wire.El("Error", wire.Str("Code", e.Code), wire.Str("Message", e.Message))),
		wire.Str("RequestID", id))
	return reply{status: cmp.Or(sh.switches.Load().EC2Statuses[e.Code], e.Status), contentType: textXML, body: n.Encode()}
}

func querySuccess(service, op, id string, out []wire.Node) reply {
	n := wire.El(op+"Response", wire.El(op+"Result", out...), wire.El("ResponseMetadata", wire.Str("RequestId", id)))
	n.XMLNS = elbNS
	switch service {
	case "sts":
		n.XMLNS = stsNS
	case "iam":
		n.XMLNS = iamNS
	}
	return reply{status: http.StatusOK, contentType: textXML, body: n.Encode()}
}

func queryFailure(e *wire.Error, id string) reply {
	kind := "Sender"
	if e.Status >= http.StatusInternalServerError {
		kind = "Receiver"
	}
	n := wire.El("ErrorResponse",
		wire.El("Error", wire.Str("Type", kind), wire.Str("Code", e.Code), wire.Str("Message", e.Message)),
		wire.Str("RequestId", id))
	n.XMLNS = elbNS
	return reply{status: e.Status, contentType: textXML, body: n.Encode()}
}

func restFailure(e *wire.Error, _ string) reply {
	body := map[string]string{"message": e.Message}
	maps.Copy(body, e.Members)
	r := jsonReply(e.Status, body)
	r.header = map[string]string{"X-Amzn-Errortype": e.Code}
	return r
}

func ssmFailure(e *wire.Error, _ string) reply {
	r := jsonReply(e.Status, map[string]string{"__type": e.Code, "message": e.Message})
	r.contentType = "application/x-amz-json-1.1"
	return r
}

func jsonReply(status int, v any) reply {
	raw, err := json.Marshal(v)
	if err != nil {
		return reply{status: http.StatusInternalServerError, contentType: "application/json", body: []byte(`{"message":"Internal Server Error"}`)}
	}
	return reply{status: status, contentType: "application/json", body: raw}
}
