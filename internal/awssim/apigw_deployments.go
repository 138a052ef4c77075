package awssim

import "time"

// deployment is what a stage without auto-deploy serves: the routes and
// integrations of one moment.
type deployment struct {
	APIID        string
	ID           string
	Description  string
	AutoDeployed bool
	CreatedAt    time.Time
	LiveAt       time.Time `json:",omitzero"` // when requests see it; zero = at once
	Routes       []route
	Integrations []integration
}

// deploy notes what the API is at this moment.
func (c *restCall) deploy(apiID, description string, auto bool) (*deployment, error) {
	d := &deployment{APIID: apiID, ID: shortID(6), Description: description, AutoDeployed: auto, CreatedAt: c.now}
	if delay := c.Switches().AutoDeployDelay; auto && delay > 0 {
		d.LiveAt = c.now.Add(delay)
	}
	for _, r := range c.st.routes.list(func(r *route) bool { return r.APIID == apiID }) {
		d.Routes = append(d.Routes, *r)
	}
	for _, n := range c.st.integrations.list(func(n *integration) bool { return n.APIID == apiID }) {
		frozen := *n
		frozen.Parameters = merged(n.Parameters, nil)
		d.Integrations = append(d.Integrations, frozen)
	}
	return d, c.st.deployments.put(d)
}

// autoDeploy brings the stages that want it up to date. Their last automatic
// deployment goes when nothing uses it any more.
func (c *restCall) autoDeploy(apiID string) error {
	auto := c.st.stages.list(func(s *stage) bool { return s.APIID == apiID && s.AutoDeploy })
	if len(auto) == 0 {
		return nil
	}
	d, err := c.deploy(apiID, "Automatic deployment triggered by changes to the Api configuration", true)
	if err != nil {
		return err
	}
	for _, s := range auto {
		s.DeploymentID, s.Former = d.ID, c.formerly(s, d)
		if err := c.st.stages.put(s); err != nil {
			return err
		}
	}
	for _, old := range c.st.deployments.list(func(o *deployment) bool { return o.APIID == apiID && o.AutoDeployed && o.ID != d.ID }) {
		if !c.deployed(old) {
			c.st.deployments.del(c.st.deployments.key(old))
		}
	}
	return nil
}

// formerly is what a stage goes on serving until d is live.
func (c *restCall) formerly(s *stage, d *deployment) string {
	if d.LiveAt.IsZero() {
		return ""
	}
	return c.servedAt(s, c.now)
}

func (s *Sim) deployed(d *deployment) bool {
	return s.st.stages.find(func(o *stage) bool { return o.APIID == d.APIID && (o.DeploymentID == d.ID || o.Former == d.ID) }) != nil
}

func (c *restCall) deploymentView(d *deployment) any {
	status := "DEPLOYED"
	if c.now.Before(d.LiveAt) {
		status = "PENDING"
	}
	return map[string]any{"deploymentId": d.ID, "description": d.Description, "autoDeployed": d.AutoDeployed,
		"createdDate": isoTime(d.CreatedAt), "deploymentStatus": status}
}

func (c *restCall) deployment() (*deployment, error) {
	if _, err := c.api(); err != nil {
		return nil, err
	}
	d, ok := found(c.Sim, c.st.deployments, c.args["api"]+"/"+c.args["deployment"], c.now)
	if !ok {
		return nil, noSuch("Deployment", c.args["deployment"])
	}
	return d, nil
}

func createDeployment(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	var in struct{ Description, StageName string }
	if err := c.decode(&in); err != nil {
		return nil, err
	}
	s, ok := found(c.Sim, c.st.stages, a.ID+"/"+in.StageName, c.now)
	if in.StageName != "" && !ok {
		return nil, noSuch("stage", in.StageName)
	}
	if ok && s.AutoDeploy {
		return nil, badRequest("Deployment ID cannot be set on stage with auto-deploy enabled")
	}
	if len(c.st.routes.list(func(r *route) bool { return r.APIID == a.ID })) == 0 {
		return nil, badRequest("At least one route is required before deploying the Api.")
	}
	d, err := c.deploy(a.ID, in.Description, false)
	if err != nil {
		return nil, err
	}
	if ok {
		s.DeploymentID, s.UpdatedAt = d.ID, c.now
		if err := c.st.stages.put(s); err != nil {
			return nil, err
		}
	}
	return c.deploymentView(d), nil
}

func getDeployments(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	rows := visible(c.Sim, c.st.deployments, func(d *deployment) bool { return d.APIID == a.ID }, c.now)
	return items(c, rows, func(d *deployment) string { return d.APIID + "/" + d.ID }, c.deploymentView)
}

func getDeployment(c *restCall) (any, error) {
	d, err := c.deployment()
	if err != nil {
		return nil, err
	}
	return c.deploymentView(d), nil
}

func deleteDeployment(c *restCall) (any, error) {
	d, err := c.deployment()
	if err != nil {
		return nil, err
	}
	if c.deployed(d) {
		return nil, conflict("Cannot delete deployment %s: a stage uses it", d.ID)
	}
	c.st.deployments.del(c.st.deployments.key(d))
	return nil, nil
}
