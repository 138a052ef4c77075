package awssim

import "drawbridge/internal/awssim/wire"

// defaultListenerAttributes are those of an HTTP listener: it adds no headers
// and takes none away but what is asked for.
func defaultListenerAttributes() map[string]string {
	return map[string]string{
		"routing.http.response.server.enabled":                                "true",
		"routing.http.response.strict_transport_security.header_value":        "",
		"routing.http.response.access_control_allow_origin.header_value":      "",
		"routing.http.response.access_control_allow_methods.header_value":     "",
		"routing.http.response.access_control_allow_headers.header_value":     "",
		"routing.http.response.access_control_allow_credentials.header_value": "",
		"routing.http.response.access_control_expose_headers.header_value":    "",
		"routing.http.response.access_control_max_age.header_value":           "",
		"routing.http.response.content_security_policy.header_value":          "",
		"routing.http.response.x_content_type_options.header_value":           "",
		"routing.http.response.x_frame_options.header_value":                  "",
	}
}

func describeListenerAttributes(c *call) ([]wire.Node, error) {
	if _, err := c.listener(c.q.Str("ListenerArn")); err != nil {
		return nil, err
	}
	return []wire.Node{elbAttributes(defaultListenerAttributes())}, nil
}

// modifyListenerAttributes takes what is so already; the data plane knows no
// other settings.
func modifyListenerAttributes(c *call) ([]wire.Node, error) {
	if _, err := c.listener(c.q.Str("ListenerArn")); err != nil {
		return nil, err
	}
	have := defaultListenerAttributes()
	after, err := c.changedAttributes(have)
	if err != nil {
		return nil, err
	}
	for k, v := range after {
		if have[k] != v {
			return nil, wire.BadRequest("InvalidConfigurationRequest", "This simulator's listeners have no other value of '%s' than '%s'", k, have[k])
		}
	}
	return []wire.Node{elbAttributes(after)}, nil
}

// describeCapacityReservation answers for a balancer without one.
func describeCapacityReservation(c *call) ([]wire.Node, error) {
	if _, err := c.loadBalancer(c.q.Str("LoadBalancerArn")); err != nil {
		return nil, err
	}
	return []wire.Node{wire.Int("DecreaseRequestsRemaining", 2), wire.Node{Name: "CapacityReservationState"}}, nil
}
