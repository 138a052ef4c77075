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
	Routes       []route
	Integrations []integration
}

// deploy notes what the API is at this moment.
func (c *restCall) deploy(apiID, description string, auto bool) (*deployment, error) {
	d := &deployment{APIID: apiID, ID: shortID(6), Description: description, AutoDeployed: auto, CreatedAt: c.now}
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
		s.DeploymentID = d.ID
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

func (s *Sim) deployed(d *deployment) bool {
	return s.st.stages.find(func(o *stage) bool { return o.APIID == d.APIID && o.DeploymentID == d.ID }) != nil
}

func deploymentView(d *deployment) any {
	return map[string]any{"deploymentId": d.ID, "description": d.Description, "autoDeployed": d.AutoDeployed,
		"createdDate": d.CreatedAt.UTC(), "deploymentStatus": "DEPLOYED"}
}

func (c *restCall) deployment() (*deployment, error) {
	if _, err := c.api(); err != nil {
		return nil, err
	}
	d, ok := c.st.deployments.get(c.args["api"] + "/" + c.args["deployment"])
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
	s, ok := c.st.stages.get(a.ID + "/" + in.StageName)
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
	return deploymentView(d), nil
}

func getDeployments(c *restCall) (any, error) {
	a, err := c.api()
	if err != nil {
		return nil, err
	}
	rows := c.st.deployments.list(func(d *deployment) bool { return d.APIID == a.ID })
	return items(c, rows, func(d *deployment) string { return d.APIID + "/" + d.ID }, deploymentView)
}

func getDeployment(c *restCall) (any, error) {
	d, err := c.deployment()
	if err != nil {
		return nil, err
	}
	return deploymentView(d), nil
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
