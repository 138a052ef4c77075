package kinds

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2/types"

	"drawbridge/internal/model"
	"drawbridge/internal/provision"
)

// Prober sends one GET through an invoke URL, guarded as route tests are.
type Prober interface {
	Answer(ctx context.Context, env *model.Environment, url string) (status int, header http.Header, body []byte, err error)
}

// firstAnswer is the last node: a request through the invoke URL was answered
// by something behind API Gateway. It makes nothing. Params: health_path.
type firstAnswer struct {
	base
	prober Prober
}

func (firstAnswer) Name() model.ResourceKind { return KindFirstAnswer }

// Timing: everything is ready when this begins; what is left is the seconds
// that a deployment and new security group rules take to be in force.
func (firstAnswer) Timing() provision.Timing {
	return provision.Timing{Limit: 5 * time.Minute}
}

// Find asks for the health path, which the app is known to have, and then for
// the root. An answer that did not come from behind is not ready, not an error.
func (k firstAnswer) Find(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	if r.State == model.ResourceDeleting {
		return provision.Observed{}, provision.ErrNotFound
	}
	at, err := in.Need("stage")
	if err != nil {
		return provision.Observed{}, err
	}
	base := strings.TrimSuffix(at.Outputs["invoke_url"], "/")
	why, blocked := "", false
	for _, path := range []string{r.Params["health_path"], "/"} {
		status, header, body, err := k.prober.Answer(ctx, in.Environment, base+path)
		switch {
		case err != nil && ctx.Err() != nil:
			return provision.Observed{}, err
		case err != nil:
			why = fmt.Sprintf("The invoke URL did not answer: %v.", err)
		default:
			why = notFromBehind(status, header, body)
			blocked = status == http.StatusServiceUnavailable && byGateway(header, body)
		}
		if why == "" {
			return provision.Observed{Outputs: map[string]string{"url": base + path, "status": fmt.Sprint(status)}, Ready: true}, nil
		}
	}
	if blocked {
		return k.link(ctx, in, why)
	}
	return provision.Observed{Why: why}, nil
}

// link says what the VPC link has to do with requests that do not get through
// it. Those that were just sent have AWS set an INACTIVE one up again.
func (k firstAnswer) link(ctx context.Context, in provision.Inputs, why string) (provision.Observed, error) {
	r, err := in.Need("vpc-link")
	if err != nil {
		return provision.Observed{}, err
	}
	link, err := vpcLink{k.base}.status(ctx, in, r.AWSID)
	if err != nil {
		return provision.Observed{}, err
	}
	switch link.VpcLinkStatus {
	case types.VpcLinkStatusInactive, types.VpcLinkStatusPending:
		return provision.Observed{Setback: vpcLink{}.Timing().Limit, Why: fmt.Sprintf("The VPC link is %s. After 60 days without a request AWS takes a link's network interfaces away. "+
			"The requests that are being sent here have AWS set them up again, which takes some minutes.", link.VpcLinkStatus)}, nil
	case types.VpcLinkStatusFailed:
		return observedLink(r.AWSID, link.VpcLinkStatus, link.VpcLinkStatusMessage), nil
	}
	return provision.Observed{Why: why}, nil
}

// notFromBehind says why an answer does not show that the chain carries
// requests, or "". API Gateway's own errors are JSON with a single message.
func notFromBehind(status int, header http.Header, body []byte) string {
	switch status {
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return fmt.Sprintf("The invoke URL answers %d from %s.", status, speaker(header, body))
	case http.StatusForbidden, http.StatusNotFound, http.StatusTooManyRequests:
		if byGateway(header, body) {
			return fmt.Sprintf("The invoke URL answers %d from API Gateway itself: the deployment is not in force yet.", status)
		}
	}
	return ""
}

func byGateway(header http.Header, body []byte) bool {
	switch strings.TrimSpace(string(body)) {
	case `{"message":"Not Found"}`, `{"message":"Forbidden"}`, `{"message":"Too Many Requests"}`, `{"message":"Service Unavailable"}`:
		return strings.HasPrefix(header.Get("Content-Type"), "application/json")
	}
	return false
}

func speaker(header http.Header, body []byte) string {
	switch {
	case byGateway(header, body):
		return "API Gateway: it does not reach the load balancer"
	case strings.HasPrefix(header.Get("Server"), "awselb"), bytes.Contains(body, []byte("<center><h1>")):
		return "the load balancer: it does not reach the app"
	}
	return "the app"
}

func (k firstAnswer) Apply(ctx context.Context, in provision.Inputs, r *model.Resource) (provision.Observed, error) {
	return k.Find(ctx, in, r)
}

func (firstAnswer) Delete(context.Context, provision.Inputs, *model.Resource) error { return nil }
