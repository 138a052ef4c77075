package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Environment is a place to provision in.
type Environment struct {
	ID            string    `json:"id" doc:"Its id." example:"env_w5tq3nz7kd2m4xja"`
	Name          string    `json:"name" doc:"Its name." example:"local"`
	Description   string    `json:"description" doc:"What it is for."`
	Region        string    `json:"region" doc:"The AWS Region." example:"ap-northeast-1"`
	VPCID         string    `json:"vpc_id" doc:"The VPC." example:"vpc-0a1b2c3d4e5f67890"`
	SubnetIDs     []string  `json:"subnet_ids" nullable:"false" doc:"Its private subnets, in different Availability Zones."`
	Endpoint      string    `json:"endpoint,omitempty" doc:"Where AWS's APIs are asked for, when not at AWS." example:"http://127.0.0.1:8081"`
	Credentials   string    `json:"credentials" enum:"default,local" doc:"Where its credentials come from. They are never stored."`
	RoleARN       string    `json:"role_arn,omitempty" doc:"The role that is assumed."`
	SandboxTTL    string    `json:"sandbox_ttl,omitempty" doc:"How long its sandboxes live unless asked otherwise; absent for the installation's default." example:"8h"`
	SandboxMaxTTL string    `json:"sandbox_max_ttl,omitempty" doc:"How long they live at most; absent for the installation's default." example:"7d"`
	Orphans       int       `json:"orphans" doc:"How many orphans the newest look found." example:"0"`
	OrphansAt     time.Time `json:"orphans_at,omitzero" doc:"When somebody looked for orphans last."`
	CreatedAt     time.Time `json:"created_at" doc:"When it was added."`
	UpdatedAt     time.Time `json:"updated_at" doc:"When it last changed."`
}

// EnvironmentStatus is whether an environment answers and fits.
type EnvironmentStatus struct {
	Answers   bool      `json:"answers" doc:"AWS answered, and the VPC and its subnets fit."`
	Account   string    `json:"account,omitempty" doc:"The AWS account." example:"123456789012"`
	VPCName   string    `json:"vpc_name,omitempty" doc:"The VPC's name." example:"test-vpc"`
	Subnets   []Subnet  `json:"subnets,omitempty" doc:"What is known of its subnets."`
	Problem   *Problem  `json:"problem,omitempty" doc:"What is wrong with it."`
	Seconds   float64   `json:"seconds" doc:"How long the look took."`
	CheckedAt time.Time `json:"checked_at" doc:"When it was looked at."`
}

// Subnet is one subnet of an environment.
type Subnet struct {
	ID      string `json:"id" doc:"Its id." example:"subnet-0a1b2c3d4e5f67890"`
	Name    string `json:"name" doc:"Its name." example:"test-private1"`
	AZ      string `json:"availability_zone" doc:"Its Availability Zone." example:"ap-northeast-1a"`
	CIDR    string `json:"cidr" doc:"Its address range." example:"10.0.128.0/20"`
	FreeIPs int    `json:"free_ips" doc:"How many addresses are free." example:"4086"`
}

// Instance is an existing instance that a backend may use.
type Instance struct {
	ID               string   `json:"id" doc:"Its id." example:"i-0a1b2c3d4e5f67890"`
	Name             string   `json:"name" doc:"Its name." example:"test-ec2"`
	State            string   `json:"state" doc:"AWS's word for its state." example:"running"`
	Type             string   `json:"type" doc:"Its instance type." example:"t3.micro"`
	VPCID            string   `json:"vpc_id" doc:"Its VPC." example:"vpc-0a1b2c3d4e5f67890"`
	SubnetID         string   `json:"subnet_id" doc:"Its subnet." example:"subnet-0a1b2c3d4e5f67890"`
	AZ               string   `json:"availability_zone" doc:"Its Availability Zone." example:"ap-northeast-1a"`
	PrivateIP        string   `json:"private_ip" doc:"Its private address." example:"10.0.10.148"`
	SecurityGroupIDs []string `json:"security_group_ids" nullable:"false" doc:"Its security groups."`
}

// environmentOf leaves the external id out: it is a shared secret of sorts.
func environmentOf(e *model.Environment) Environment {
	return Environment{
		ID: e.ID, Name: e.Name, Description: e.Description, Region: e.Region, VPCID: e.VPCID, SubnetIDs: notNil(e.SubnetIDs),
		Endpoint: e.Endpoint, Credentials: string(e.Credentials), RoleARN: e.RoleARN, SandboxTTL: ttlText(e.SandboxTTL), SandboxMaxTTL: ttlText(e.SandboxMaxTTL), Orphans: e.Orphans, OrphansAt: e.OrphansAt, CreatedAt: e.CreatedAt, UpdatedAt: e.UpdatedAt,
	}
}

func environmentStatusOf(s *model.EnvironmentStatus) EnvironmentStatus {
	return EnvironmentStatus{
		Answers: s.Answers, Account: s.Account, VPCName: s.VPCName, Subnets: listOf(s.Subnets, subnetOf).Items,
		Problem: optional(s.Problem, problemOf), Seconds: s.Seconds, CheckedAt: s.CheckedAt,
	}
}

func subnetOf(s *model.Subnet) Subnet {
	return Subnet{ID: s.ID, Name: s.Name, AZ: s.AZ, CIDR: s.CIDR, FreeIPs: s.FreeIPs}
}

func instanceOf(i *model.Instance) Instance {
	return Instance{
		ID: i.ID, Name: i.Name, State: i.State, Type: i.Type, VPCID: i.VPCID, SubnetID: i.SubnetID,
		AZ: i.AZ, PrivateIP: i.PrivateIP, SecurityGroupIDs: notNil(i.SecurityGroupIDs),
	}
}

func notNil(s []string) []string {
	if s == nil {
		return []string{}
	}
	return s
}

type environmentInput struct {
	ID string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
}

func (a *API) registerEnvironments(h huma.API) {
	tags := []string{"Environments"}
	route(a, h, huma.Operation{
		OperationID: "list-environments", Method: http.MethodGet, Path: "/environments", Tags: tags,
		Summary: "List environments",
	}, a.listEnvironments)
	route(a, h, huma.Operation{
		OperationID: "get-environment-status", Method: http.MethodGet, Path: "/environments/{id}/status", Tags: tags,
		Summary: "Ask whether an environment answers", Description: "Looks at the account, the VPC and its subnets. That it does not answer is in the status, not an error.",
	}, a.environmentStatus)
	route(a, h, huma.Operation{
		OperationID: "list-instances", Method: http.MethodGet, Path: "/environments/{id}/instances", Tags: tags,
		Summary: "List an environment's instances", Description: "The running instances of its VPC, which a backend may use.",
	}, a.listInstances)
}

type environmentsInput struct {
	Paging
	ByName
	Name   string `query:"name" maxLength:"64" doc:"Only environments whose name contains this." example:"loc"`
	Region string `query:"region" maxLength:"64" doc:"Only environments in this AWS Region." example:"ap-northeast-1"`
}

var environmentOrders = orders[model.Environment]{
	"id":         func(e *model.Environment) string { return e.ID },
	"name":       func(e *model.Environment) string { return e.Name },
	"created_at": func(e *model.Environment) string { return at(e.CreatedAt) },
}

func (a *API) listEnvironments(ctx context.Context, actor model.Actor, in *environmentsInput) (*listOutput[Environment], error) {
	list, err := a.panel.Environments(ctx, actor)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(e *model.Environment) bool { return has(e.Name, in.Name) && is(e.Region, in.Region) })
	return paged(in.Paging, in.Sort, list, environmentOrders, environmentOf)
}

func (a *API) environmentStatus(ctx context.Context, actor model.Actor, in *environmentInput) (*output[EnvironmentStatus], error) {
	s, err := a.panel.EnvironmentStatus(ctx, actor, in.ID)
	return one(s, err, environmentStatusOf)
}

type instancesInput struct {
	ID string `path:"id" doc:"The environment's id." example:"env_w5tq3nz7kd2m4xja"`
	Paging
	Sort  string `query:"sort" enum:"name,-name,id,-id" default:"name" doc:"By what the list is sorted; with - from the last to the first."`
	Name  string `query:"name" maxLength:"256" doc:"Only instances whose name contains this." example:"web"`
	State string `query:"state" maxLength:"32" doc:"Only instances in this state, in AWS's words." example:"running"`
}

var instanceOrders = orders[model.Instance]{
	"id":   func(i *model.Instance) string { return i.ID },
	"name": func(i *model.Instance) string { return i.Name },
}

func (a *API) listInstances(ctx context.Context, actor model.Actor, in *instancesInput) (*listOutput[Instance], error) {
	list, err := a.panel.Instances(ctx, actor, in.ID)
	if err != nil {
		return nil, err
	}
	list = keep(list, func(i *model.Instance) bool { return has(i.Name, in.Name) && is(i.State, in.State) })
	return paged(in.Paging, in.Sort, list, instanceOrders, instanceOf)
}
