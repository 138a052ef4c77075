package awssim

import (
	"encoding/json"
	"regexp"
	"time"
)

type stage struct {
	APIID         string
	Name          string
	Description   string
	AutoDeploy    bool
	DeploymentID  string
	Former        string          `json:",omitempty"` // deployment that requests see until DeploymentID's is live
	RouteSettings json.RawMessage `json:",omitempty"` // of every route
	PerRoute      json.RawMessage `json:",omitempty"` // by route key
	AccessLog     json.RawMessage `json:",omitempty"`
	Variables     map[string]string
	CreatedAt     time.Time
	UpdatedAt     time.Time
	Tags          tags
}

// stageInput is the body of Create- and UpdateStage; nil = not sent.
type stageInput struct {
	StageName            string
	AutoDeploy           *bool
	DeploymentID         *string `json:"deploymentId"`
	Description          *string
	DefaultRouteSettings json.RawMessage
	RouteSettings        json.RawMessage
	AccessLogSettings    json.RawMessage
	StageVariables       map[string]string
	Tags                 tags
}

// servedAt is the deployment that requests see.
func (s *Sim) servedAt(st *stage, now time.Time) string {
	if d, ok := s.st.deployments.get(st.APIID + "/" + st.DeploymentID); ok && now.Before(d.LiveAt) {
		return st.Former
	}
	return st.DeploymentID
}

func stageView(s *stage) any {
	out := map[string]any{"stageName": s.Name, "autoDeploy": s.AutoDeploy, "createdDate": isoTime(s.CreatedAt), "lastUpdatedDate": isoTime(s.UpdatedAt),
		"stageVariables": merged(s.Variables, nil), "routeSettings": map[string]any{}, "defaultRouteSettings": map[string]any{"detailedMetricsEnabled": false}, "tags": merged(s.Tags, nil)}
	if s.DeploymentID != "" {
		out["deploymentId"] = s.DeploymentID
	}
	if s.AutoDeploy {
		out["lastDeploymentStatusMessage"] = "Successfully deployed stage with deployment ID '" + s.DeploymentID + "'"
	}
	if s.Description != "" {
		out["description"] = s.Description
	}
	if len(s.RouteSettings) > 0 {
		out["defaultRouteSettings"] = s.RouteSettings
	}
	if len(s.PerRoute) > 0 {
		out["routeSettings"] = s.PerRoute
	}
	if len(s.AccessLog) > 0 {
		out["accessLogSettings"] = s.AccessLog
	}
	return out
}

func (c *restCall) stage() (*stage, error) {
	if _, err := c.api(); err != nil {
		return nil, err
	}
	s, ok := found(c.Sim, c.st.stages, c.args["api"]+"/"+c.args["stage"], c.now)
	if !ok {
		return nil, noSuch("stage", c.args["stage"])
	}
	return s, nil
}

var stageName = regexp.MustCompile(`^(\$default|[a-zA-Z0-9_-]{1,128})$`)

// applyStage checks the input and changes s.
func (c *restCall) applyStage(in stageInput, s *stage) error {
	set(&s.AutoDeploy, in.AutoDeploy)
	set(&s.Description, in.Description)
	if names(in.DeploymentID) {
		if _, ok := found(c.Sim, c.st.deployments, s.APIID+"/"+*in.DeploymentID, c.now); !ok {
			return badRequest("Invalid deployment identifier specified: %s", *in.DeploymentID)
		}
		s.DeploymentID = *in.DeploymentID
	}
	if sent(in.DefaultRouteSettings) {
		s.RouteSettings = in.DefaultRouteSettings
	}
	if sent(in.RouteSettings) {
		s.PerRoute = in.RouteSettings
	}
	if err := s.checkSettings(); err != nil {
		return err
	}
	if sent(in.AccessLogSettings) {
		s.AccessLog = in.AccessLogSettings
	}
	if err := checkStageVariables(in.StageVariables); err != nil {
		return err
	}
	if in.StageVariables != nil {
		s.Variables = in.StageVariables
	}
	s.UpdatedAt = c.now
	return nil
}

// sent says whether a part of the body was there, and not null.
func checkStageVariables(vars map[string]string) error {
	if len(vars) > maxStageVariables {
		return badRequest("A stage has at most %d stage variables", maxStageVariables)
	}
	for k, v := range vars {
		if len(k) > maxStageVariableKey || len(v) > maxStageVariable {
			return badRequest("The key of a stage variable has at most %d characters, its value %d", maxStageVariableKey, maxStageVariable)
		}
	}
	return nil
}

func sent(part json.RawMessage) bool { return len(part) > 0 && string(part) != "null" }

// checkSettings refuses settings that the data plane could not read.
func (s *stage) checkSettings() error {
	var all throttleSettings
	perRoute := map[string]throttleSettings{}
	if len(s.RouteSettings) > 0 && json.Unmarshal(s.RouteSettings, &all) != nil {
		return badRequest("Invalid defaultRouteSettings specified")
	}
	if len(s.PerRoute) > 0 && json.Unmarshal(s.PerRoute, &perRoute) != nil {
		return badRequest("Invalid routeSettings specified")
	}
	return nil
}

func createStage(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	var in stageInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	if !stageName.MatchString(in.StageName) {
		return nil, badRequest("Stage name only allows a-zA-Z0-9_- and 1 to 128 characters, or $default")
	}
	if err := checkGatewayTags(in.Tags); err != nil {
		return nil, err
	}
	if _, ok := c.st.stages.get(a.ID + "/" + in.StageName); ok {
		return nil, conflict("Stage already exists")
	}
	have := countOf(c.st.stages, func(s *stage) bool { return s.APIID == a.ID })
	if err := withinQuota(have, c.quota(maxStages), "stages for this API"); err != nil {
		return nil, err
	}
	s := &stage{APIID: a.ID, Name: in.StageName, CreatedAt: c.now, Tags: in.Tags}
	if err := c.applyStage(in, s); err != nil {
		return nil, err
	}
	if err := c.st.stages.put(s); err != nil {
		return nil, err
	}
	if err := c.autoDeploy(a.ID); err != nil {
		return nil, err
	}
	return stageView(s), nil
}

func getStages(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	rows := visible(c.Sim, c.st.stages, func(s *stage) bool { return s.APIID == a.ID }, c.now)
	return items(c, rows, func(s *stage) string { return s.APIID + "/" + s.Name }, stageView)
}

func getStage(c *restCall) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	return stageView(s), nil
}

func updateStage(c *restCall) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	var in stageInput
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	changed := *s
	if err := c.applyStage(in, &changed); err != nil {
		return nil, err
	}
	if err := c.st.stages.put(&changed); err != nil {
		return nil, err
	}
	if err := c.autoDeploy(s.APIID); err != nil {
		return nil, err
	}
	return stageView(&changed), nil
}

func deleteStage(c *restCall) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	c.st.stages.del(c.st.stages.key(s))
	return nil, nil
}

func deleteAccessLogSettings(c *restCall) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	changed := *s
	changed.AccessLog, changed.UpdatedAt = nil, c.now
	return nil, c.st.stages.put(&changed)
}

func deleteRouteSettings(c *restCall) (any, error) {
	s, err := c.stage()
	if err != nil {
		return nil, err
	}
	perRoute := map[string]json.RawMessage{}
	if len(s.PerRoute) > 0 {
		if err := json.Unmarshal(s.PerRoute, &perRoute); err != nil {
			return nil, err
		}
	}
	delete(perRoute, c.args["key"])
	changed := *s
	changed.UpdatedAt = c.now
	if changed.PerRoute, err = json.Marshal(perRoute); err != nil {
		return nil, err
	}
	return nil, c.st.stages.put(&changed)
}
