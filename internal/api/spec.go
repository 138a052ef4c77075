package api

import "drawbridge/internal/model"

// Spec is what a team asks for.
type Spec struct {
	Source     string            `json:"source,omitempty" default:"launch" enum:"launch,instances" doc:"Where the app runs: on new instances (launch) or on existing ones (instances)."`
	Launch     *Launch           `json:"launch,omitempty" doc:"The instances to launch, for the source launch."`
	Instances  *Instances        `json:"instances,omitempty" doc:"The existing instances, for the source instances."`
	Port       *int              `json:"port,omitempty" default:"8000" doc:"Where the app listens, 1 to 65535." example:"8000"`
	HealthPath string            `json:"health_path,omitempty" default:"/health" doc:"What the target group asks for to see whether the app is well; begins with /." example:"/health"`
	Tests      []RouteTest       `json:"tests,omitempty" doc:"Route tests, 50 at most; the sample app's three routes when left out."`
	Tags       map[string]string `json:"tags,omitempty" doc:"Tags for every AWS resource, beside Drawbridge's own; 40 at most."`
	Schedule   *Schedule         `json:"schedule,omitempty" doc:"When it is awake by itself; always, when left out. For the source launch."`
}

// Schedule is when a backend is awake by itself.
type Schedule struct {
	TimeZone string   `json:"time_zone" doc:"Time zone by its name in the IANA database." example:"Asia/Tokyo"`
	Days     []string `json:"days,omitempty" doc:"On which days: mon, tue, wed, thu, fri, sat, sun; working days when left out." example:"[\"mon\",\"tue\",\"wed\",\"thu\",\"fri\"]"`
	Wake     string   `json:"wake" doc:"When it wakes, by the clocks of the time zone." example:"09:00"`
	Sleep    string   `json:"sleep" doc:"When it goes to sleep; on the next day when this is not after wake." example:"19:00"`
}

// Launch describes new instances.
type Launch struct {
	AMI             string `json:"ami,omitempty" doc:"The image; the newest Amazon Linux 2023 when left out." example:"ami-0a1b2c3d4e5f67890"`
	InstanceType    string `json:"instance_type,omitempty" default:"t3.micro" doc:"The instance type." example:"t3.micro"`
	Count           int    `json:"count,omitempty" default:"1" doc:"How many, 1 to 10." example:"1"`
	UserData        string `json:"user_data,omitempty" doc:"Script for cloud-init that starts the app, 16 KiB at most; the sample app when left out. Keep secrets out of it: AWS shows it to whoever may describe the instance." example:"#!/bin/sh\nexec /opt/app/run"`
	InstanceProfile string `json:"instance_profile,omitempty" doc:"Name or ARN of the instance profile." example:"orders-api"`
}

// Instances names existing instances.
type Instances struct {
	IDs     []string `json:"ids" nullable:"false" doc:"Ids of instances in the environment's VPC, 10 at most." example:"[\"i-0a1b2c3d4e5f67890\"]"`
	AddRule bool     `json:"add_rule,omitempty" doc:"Add the rule that lets the load balancer in to the instances' security group; otherwise a missing rule is reported."`
}

// RouteTest is an expectation on a route.
type RouteTest struct {
	Name         string `json:"name,omitempty" doc:"What it is called; method and path when left out." example:"GET /service-a"`
	Method       string `json:"method,omitempty" default:"GET" doc:"HTTP method: GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS." example:"GET"`
	Path         string `json:"path" doc:"Path below the invoke URL, with its query; begins with /." example:"/service-a"`
	ExpectStatus int    `json:"expect_status,omitempty" default:"200" doc:"The status that passes." example:"200"`
	BodyContains string `json:"body_contains,omitempty" doc:"Text that the body must contain." example:"Service A"`
}

func specOf(s model.Spec) Spec {
	out := Spec{Source: string(s.Source), Port: &s.Port, HealthPath: s.HealthPath, Tests: listOf(s.Tests, routeTestOf).Items, Tags: s.Tags}
	if l := s.Launch; l != nil {
		out.Launch = &Launch{AMI: l.AMI, InstanceType: l.InstanceType, Count: l.Count, UserData: l.UserData, InstanceProfile: l.InstanceProfile}
	}
	if in := s.Instances; in != nil {
		out.Instances = &Instances{IDs: in.IDs, AddRule: in.AddRule}
	}
	if x := s.Schedule; x != nil {
		out.Schedule = &Schedule{TimeZone: x.TimeZone, Days: x.Days, Wake: x.Wake, Sleep: x.Sleep}
	}
	return out
}

// model maps the spec as it was sent; only the port gets its default here,
// because a port of 0 must still be seen and refused.
func (s Spec) model() model.Spec {
	out := model.Spec{Source: model.SourceType(s.Source), Port: model.DefaultPort, HealthPath: s.HealthPath, Tags: s.Tags}
	if s.Port != nil {
		out.Port = *s.Port
	}
	if s.Tests != nil {
		out.Tests = make([]model.RouteTest, len(s.Tests))
		for i, t := range s.Tests {
			out.Tests[i] = t.model()
		}
	}
	if l := s.Launch; l != nil {
		out.Launch = &model.Launch{AMI: l.AMI, InstanceType: l.InstanceType, Count: l.Count, UserData: l.UserData, InstanceProfile: l.InstanceProfile}
	}
	if in := s.Instances; in != nil {
		out.Instances = &model.Instances{IDs: in.IDs, AddRule: in.AddRule}
	}
	if x := s.Schedule; x != nil {
		out.Schedule = &model.Schedule{TimeZone: x.TimeZone, Days: x.Days, Wake: x.Wake, Sleep: x.Sleep}
	}
	return out
}

func routeTestOf(t *model.RouteTest) RouteTest {
	return RouteTest{Name: t.Name, Method: t.Method, Path: t.Path, ExpectStatus: t.ExpectStatus, BodyContains: t.BodyContains}
}

func (t RouteTest) model() model.RouteTest {
	return model.RouteTest{Name: t.Name, Method: t.Method, Path: t.Path, ExpectStatus: t.ExpectStatus, BodyContains: t.BodyContains}
}
