package api

import (
	"time"

	"drawbridge/internal/model"
)

// Resource is one AWS thing of a backend.
type Resource struct {
	BackendID string            `json:"backend_id" doc:"The backend." example:"be_k3x7q2mfd5wa4nzp"`
	Key       string            `json:"key" doc:"Its place in the chain." example:"alb"`
	Kind      string            `json:"kind" doc:"Its kind, in AWS's words." example:"elbv2.load_balancer"`
	Title     string            `json:"title" doc:"What it is, in plain words." example:"An internal load balancer that takes requests from the VPC link"`
	Name      string            `json:"name" doc:"Its name in AWS." example:"orders-api-wa4nzp-alb"`
	AWSID     string            `json:"aws_id" doc:"Its id or ARN; empty while it is unknown." example:"arn:aws:elasticloadbalancing:ap-northeast-1:123456789012:loadbalancer/app/orders-api-wa4nzp-alb/50dc6c495c0c9188"`
	Outputs   map[string]string `json:"outputs,omitempty" doc:"What others need of it, as its DNS name."`
	Ownership string            `json:"ownership" enum:"managed,shared,referenced" doc:"managed: Drawbridge made it and deletes it; shared or referenced: it is only used."`
	State     string            `json:"state" enum:"planned,pending,ready,failed,deleting,gone" doc:"What the newest look at AWS said."`
	Detail    string            `json:"detail,omitempty" doc:"Why it is not ready, in words."`
	Needs     []string          `json:"needs,omitempty" doc:"Keys of the resources that it needs."`
	MadeBy    string            `json:"made_by,omitempty" doc:"The job that made it; absent when it was found or adopted." example:"job_4q7hmk2xv6pzd3wa"`
	CreatedAt time.Time         `json:"created_at" doc:"When it was recorded."`
	UpdatedAt time.Time         `json:"updated_at" doc:"When it last changed."`
}

func resourceOf(r *model.Resource) Resource {
	return Resource{
		BackendID: r.BackendID, Key: r.Key, Kind: string(r.Kind), Title: r.Title, Name: r.Name, AWSID: r.AWSID, Outputs: r.Outputs,
		Ownership: string(r.Ownership), State: string(r.State), Detail: r.Detail, Needs: r.Needs, MadeBy: r.MadeBy,
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt,
	}
}
