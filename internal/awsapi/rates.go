package awsapi

import "strings"

// The services as the SDK names them.
const (
	serviceEC2 = "EC2"
	serviceELB = "Elastic Load Balancing v2"
	serviceAPI = "ApiGatewayV2"
	serviceSSM = "SSM"
)

// Bucket is a token bucket that calls of one class draw from.
type Bucket struct {
	Class     string
	PerSecond float64
	Burst     int
}

// AWSRates are AWS's documented rates for the calls that Drawbridge makes
// (docs: EC2 and ELB API throttling, API Gateway quotas). A call draws from
// every bucket listed for it.
func AWSRates(service, operation string) []Bucket {
	switch service {
	case serviceEC2: // a bucket for each action
		return []Bucket{ec2Rate(operation)}
	case serviceELB: // a bucket for each class beside the one for all
		return []Bucket{{"all", 10, 40}, elbRate(operation)}
	case serviceAPI:
		all := Bucket{"all", 10, 40}
		switch operation {
		case "CreateVpcLink":
			return []Bucket{all, {operation, 1.0 / 15, 1}}
		case "DeleteVpcLink":
			return []Bucket{all, {operation, 1.0 / 30, 1}}
		}
		return []Bucket{all}
	case serviceSSM:
		return []Bucket{{"all", 40, 40}}
	}
	return []Bucket{{"all", 10, 40}}
}

func ec2Rate(operation string) Bucket {
	switch operation {
	case "RunInstances":
		return Bucket{operation, 2, 5}
	case "TerminateInstances":
		return Bucket{operation, 5, 100}
	case "CreateTags":
		return Bucket{operation, 10, 100}
	}
	if strings.HasPrefix(operation, "Describe") || strings.HasPrefix(operation, "Get") {
		return Bucket{operation, 20, 100}
	}
	return Bucket{operation, 5, 50}
}

func elbRate(operation string) Bucket {
	switch operation {
	case "CreateLoadBalancer", "SetSubnets":
		return Bucket{"resource-intensive", 0.2, 10}
	case "RegisterTargets", "DeregisterTargets":
		return Bucket{"registration", 4, 20}
	}
	if strings.HasPrefix(operation, "Describe") {
		return Bucket{"non-mutating", 10, 40}
	}
	return Bucket{"mutating", 3, 20}
}

// raised multiplies what rates gives in a second; bursts stay.
func raised(rates func(service, operation string) []Bucket, factor float64) func(service, operation string) []Bucket {
	return func(service, operation string) []Bucket {
		buckets := rates(service, operation)
		for i := range buckets {
			buckets[i].PerSecond *= factor
		}
		return buckets
	}
}
