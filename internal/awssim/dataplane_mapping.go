package awssim

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Parameter mapping of an integration, of requests: "overwrite:path" =
// "$request.path", "append:header.x-team" = "a", "remove:querystring.debug" =
// "''"; of responses by status: "overwrite:statuscode" = "204".

var (
	requestKey    = regexp.MustCompile(`^(?:overwrite:path|(?:append|overwrite|remove):(?:header|querystring)\.[A-Za-z0-9._-]+)$`)
	responseKey   = regexp.MustCompile(`^(?:overwrite:statuscode|(?:append|overwrite|remove):header\.[A-Za-z0-9._-]+)$`)
	mappingSource = regexp.MustCompile(`\$(?:` + sourceNames + `)|\$\{(?:` + sourceNames + `)\}`)
	unknownSource = regexp.MustCompile(`\$\{?(?:request|response|context|stageVariables)\b[^ ]*`)
	reserved      = regexp.MustCompile(`(?i)^(access-control-.*|apigw-.*|authorization|connection|content-encoding|content-length|content-location|forwarded|keep-alive|origin|proxy-.*|te|trailers|transfer-encoding|upgrade|x-amz-.*|x-amzn-.*|x-forwarded-(for|host|proto)|via)$`)
)

const sourceNames = `request\.path(?:\.[\w-]+)?|request\.(?:header|querystring)\.[\w-]+|response\.header\.[\w-]+|context\.\w+(?:\.\w+)*|stageVariables\.\w+`

// checkMappings refuses what AWS refuses in the mappings of requests.
func checkMappings(params map[string]string) error {
	for k, v := range params {
		if err := checkMapping(requestKey, k, v); err != nil {
			return err
		}
	}
	return nil
}

// checkResponseMappings does the same for those of responses.
func checkResponseMappings(byStatus map[string]map[string]string) error {
	for status, params := range byStatus {
		if n, err := strconv.Atoi(status); err != nil || n < 200 || n > 599 {
			return badRequest("Invalid status code specified in response parameters: %s; it should be between 200 and 599", status)
		}
		for k, v := range params {
			if err := checkMapping(responseKey, k, v); err != nil {
				return err
			}
			if n, err := strconv.Atoi(v); k == "overwrite:statuscode" && (err != nil || n < 200 || n > 599) {
				return badRequest("Invalid mapping expression specified: overwrite:statuscode needs a number between 200 and 599, not %s", v)
			}
		}
	}
	return nil
}

func checkMapping(form *regexp.Regexp, key, value string) error {
	if !form.MatchString(key) {
		return badRequest("Invalid mapping expression specified: %s", key)
	}
	if _, name, ok := strings.Cut(key, ":header."); ok && reserved.MatchString(name) {
		return badRequest("Operations on header %s are restricted", strings.ToLower(name))
	}
	if bad := unknownSource.FindString(mappingSource.ReplaceAllString(value, "")); bad != "" {
		return badRequest("Invalid mapping expression specified: %s", bad)
	}
	return nil
}

// value fills in what a mapping's value names; res is nil for a request.
func (j *journey) value(text string, res *http.Response) string {
	return mappingSource.ReplaceAllStringFunc(text, func(ref string) string {
		return j.source(strings.Trim(strings.TrimPrefix(ref, "$"), "{}"), res)
	})
}

func (j *journey) source(name string, res *http.Response) string {
	kind, rest, _ := strings.Cut(name, ".")
	switch kind {
	case "context":
		return j.contextValue(rest)
	case "stageVariables":
		return j.stage.stage.Variables[rest]
	case "response":
		if res == nil {
			return ""
		}
		return strings.Join(res.Header.Values(strings.TrimPrefix(rest, "header.")), ",")
	}
	where, key, _ := strings.Cut(rest, ".")
	switch {
	case where == "header":
		return strings.Join(j.in.Header.Values(key), ",")
	case where == "querystring":
		return strings.Join(j.in.URL.Query()[key], ",")
	case key != "":
		return j.vars[key]
	}
	return j.path
}

// mapRequest applies the integration's mappings to an outgoing request, in the
// order of their keys.
func (j *journey) mapRequest(out *http.Request) {
	params := j.way.integration.Parameters
	if len(params) == 0 {
		return
	}
	query, changed := out.URL.Query(), false
	for _, k := range slices.Sorted(maps.Keys(params)) {
		action, where, _ := strings.Cut(k, ":")
		v := j.value(params[k], nil)
		place, name, _ := strings.Cut(where, ".")
		switch {
		case where == "path":
			out.URL.Path, out.URL.RawPath = "/"+strings.TrimPrefix(v, "/"), ""
		case place == "header":
			changeHeader(out.Header, action, name, v)
		default:
			changeQuery(query, action, name, v)
			changed = true
		}
	}
	if changed {
		out.URL.RawQuery = query.Encode()
	}
}

func changeHeader(h http.Header, action, name, v string) {
	switch action {
	case "remove":
		h.Del(name)
	case "append":
		h.Add(name, v)
	default:
		h.Set(name, v)
	}
}

func changeQuery(q url.Values, action, name, v string) {
	switch action {
	case "remove":
		q.Del(name)
	case "append":
		q.Add(name, v)
	default:
		q.Set(name, v)
	}
}

// mapResponse applies the mappings for the answer's status.
func (j *journey) mapResponse(res *http.Response) {
	params := j.way.integration.Responses[strconv.Itoa(res.StatusCode)]
	for _, k := range slices.Sorted(maps.Keys(params)) {
		v := j.value(params[k], res)
		action, where, _ := strings.Cut(k, ":")
		if name, ok := strings.CutPrefix(where, "header."); ok {
			changeHeader(res.Header, action, name, v)
			continue
		}
		if n, err := strconv.Atoi(v); err == nil {
			res.StatusCode = n
		}
	}
}
