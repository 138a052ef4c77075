package awsapi

import "maps"

// The owner tags. They are on every resource from its creation on, and say
// that a resource is ours, whose it is, and which place in the chain it has.
const (
	TagInstall  = "drawbridge:install"
	TagBackend  = "drawbridge:backend"
	TagResource = "drawbridge:resource"
	TagName     = "Name"
)

// OwnerTags are the tags of one resource: the owner's, its name and the
// team's own, which never win over the owner's.
func OwnerTags(install, backendID, key string, extra map[string]string, name string) map[string]string {
	tags := maps.Clone(extra)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[TagInstall], tags[TagBackend], tags[TagResource] = install, backendID, key
	if name != "" {
		tags[TagName] = name
	}
	return tags
}

// Owns tells whether the tags mark the resource at that place of the backend.
func Owns(tags map[string]string, install, backendID, key string) bool {
	return tags[TagInstall] == install && tags[TagBackend] == backendID && tags[TagResource] == key
}
