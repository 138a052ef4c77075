package awssim

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Cookies of a load balancer's sticky sessions: see "Sticky sessions for your
// Application Load Balancer" in AWS's guide. The second is for requests from
// other origins.
const (
	stickyCookie     = "AWSALB"
	stickyCookieCORS = "AWSALBCORS"
)

const (
	stickyKey      = "stickiness.enabled"
	stickyType     = "stickiness.type"
	stickyDuration = "stickiness.lb_cookie.duration_seconds"
)

// maxStickiness is a week, in seconds.
const maxStickiness = 604_800

// stickiness is for how long a client stays with its target; 0 = it does not.
func (g *targetGroup) stickiness() time.Duration {
	seconds, err := strconv.Atoi(g.Attributes[stickyDuration])
	if err != nil || g.Attributes[stickyKey] != "true" {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// stickyToken stands for a target in cookies. AWS's is encrypted: clients can
// read nothing from it.
func stickyToken(target string) string {
	sum := sha256.Sum256([]byte("sticky " + target))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// choose keeps to the target of the client's cookie while that is one that
// takes requests, and picks another otherwise.
func (g *groupPlan) choose(r *http.Request, now time.Time, t timing) *targetPlan {
	if g.sticky == 0 {
		return g.pick(now, t)
	}
	for _, name := range []string{stickyCookie, stickyCookieCORS} {
		cookie, err := r.Cookie(name)
		if err != nil {
			continue
		}
		at := slices.IndexFunc(g.targets, func(p *targetPlan) bool { return stickyToken(p.key) == cookie.Value })
		if at >= 0 && g.targets[at].at(now, t).State == "healthy" {
			return g.targets[at]
		}
	}
	return g.pick(now, t)
}

// stick gives the client the cookies, anew with each answer.
func (g *groupPlan) stick(res *http.Response, target *targetPlan, now time.Time) {
	if g.sticky == 0 {
		return
	}
	c := &http.Cookie{Name: stickyCookie, Value: stickyToken(target.key), Path: "/", Expires: now.Add(g.sticky).UTC()}
	res.Header.Add("Set-Cookie", c.String())
	c.Name, c.SameSite = stickyCookieCORS, http.SameSiteNoneMode
	res.Header.Add("Set-Cookie", c.String())
}
