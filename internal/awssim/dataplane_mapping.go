package awssim

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
)

// Parameter mapping of an integration: "overwrite:path" = "$request.path",
// "append:header.x-team" = "a", "remove:querystring.debug" = "''".

var (
	mappingKey    = regexp.MustCompile(`^(?:overwrite:path|(?:append|overwrite|remove):(?:header|querystring)\.[A-Za-z0-9._-]+)$`)
	mappingSource = regexp.MustCompile(`\$(?:request\.path(?:\.[\w-]+)?|request\.(?:header|querystring)\.[\w-]+|context\.(?:requestId|stage|apiId|httpMethod|path|routeKey))|\$\{(?:request|context)\.[\w.-]+\}`)
	reserved      = regexp.MustCompile(`(?i)^(access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded|keep-alive|origin|proxy-.*|te|trailers|transfer-encoding|upgrade|x-amz-.*|x-amzn-.*|x-forwarded-(for|host|proto)|via)$`)
)

// checkMapping refuses what AWS refuses.
func checkMapping(key, _ string) error {
	if !mappingKey.MatchString(key) {
		return badRequest("Invalid mapping expression specified: %s", key)
	}
	if _, name, ok := strings.Cut(key, ":header."); ok && reserved.MatchString(name) {
		return badRequest("Operations on header %s are restricted", strings.ToLower(name))
	}
	return nil
}

// mappingFacts are what the values of mappings can name.
type mappingFacts struct {
	in                                *http.Request
	path                              string // without the stage
	vars                              map[string]string
	requestID, stage, apiID, routeKey string
}

func (f mappingFacts) value(text string) string {
	return mappingSource.ReplaceAllStringFunc(text, func(ref string) string {
		name := strings.Trim(strings.TrimPrefix(ref, "$"), "{}")
		if h, ok := strings.CutPrefix(name, "request.header."); ok {
			return strings.Join(f.in.Header.Values(h), ",")
		}
		if q, ok := strings.CutPrefix(name, "request.querystring."); ok {
			return strings.Join(f.in.URL.Query()[q], ",")
		}
		if v, ok := strings.CutPrefix(name, "request.path."); ok {
			return f.vars[v]
		}
		return map[string]string{"request.path": f.path, "context.requestId": f.requestID, "context.stage": f.stage, "context.apiId": f.apiID,
			"context.httpMethod": f.in.Method, "context.path": f.in.URL.Path, "context.routeKey": f.routeKey}[name]
	})
}

// mapRequest applies an integration's mappings to an outgoing request, in the
// order of their keys.
func (f mappingFacts) mapRequest(out *http.Request, params map[string]string) {
	keys := make([]string, 0, len(params))
	for k := range params {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	query := out.URL.Query()
	for _, k := range keys {
		action, where, _ := strings.Cut(k, ":")
		v := f.value(params[k])
		place, name, _ := strings.Cut(where, ".")
		switch {
		case where == "path":
			out.URL.Path, out.URL.RawPath = "/"+strings.TrimPrefix(v, "/"), ""
		case place == "header" && action == "remove":
			out.Header.Del(name)
		case place == "header" && action == "append":
			out.Header.Add(name, v)
		case place == "header":
			out.Header.Set(name, v)
		case action == "remove":
			query.Del(name)
		case action == "append":
			query.Add(name, v)
		default:
			query.Set(name, v)
		}
	}
	if slices.ContainsFunc(keys, func(k string) bool { return strings.Contains(k, ":querystring.") }) {
		out.URL.RawQuery = query.Encode()
	}
}
