package archtest

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// shownBy names for each row of docs/aws-facts.md, section D, by how it begins,
// the tests of internal/awssim that show it, or of the traffic that clients make.
var shownBy = map[string][]string{
	"stage first: first path segment naming a stage": {"TestDataplane_StageInThePath", "TestPickStage"},
	"route priority: 1 full match":                   {"TestDataplane_RoutePriority", "TestPickRoute"},
	"no route matches":                               {"TestDataplane_WhatIsMissing"},
	"`{name}` one segment":                           {"TestPickRoute", "TestDataplane_RouteKeysRefused"},
	"**`ANY /{proxy+}` also answers `/`**":           {"TestChain_ThreeAnswers", "TestPickRoute"},
	"route keys ending in `/` are refused":           {"TestDataplane_RouteKeysRefused", "TestDataplane_RoutePriority"},
	"doubled slashes in the path":                    {"TestDataplane_StageInThePath", "TestDataplane_HeadersAtTheApp"},
	"path parameters are URL-decoded":                {"TestDataplane_StageInThePath", "TestDataplane_MappingValues"},
	"**private integration: stage name is kept":      {"TestDataplane_StageInThePath"},
	"integrationMethod ANY passes":                   {"TestDataplane_IntegrationMethod"},
	"to the backend always HTTP/1.1":                 {"traffic/TestHTTP2", "traffic/TestClients_KeepAlive", "TestDataplane_MappingValues"},
	"private integration speaks HTTP unless":         {"TestDataplane_InternetRefused"},
	"parameter mapping keys:":                        {"TestDataplane_Mapping", "TestDataplane_MappingValues", "TestDataplane_MappingActions", "TestDataplane_MappingOfAnswers"},
	"reserved (no mapping):":                         {"TestDataplane_MappingsRefused"},
	"CORS config on the API answers preflight":       {"TestDataplane_CORS", "TestDataplane_WithoutCORS"},

	"HTTP API adds `Forwarded:":                        {"TestDataplane_HeadersAtTheApp"},
	"adds `X-Amzn-Trace-Id:":                           {"TestDataplane_TraceGoesOn", "TestDataplane_HeadersAtTheApp"},
	"**private integration keeps the client's Host**":  {"TestDataplane_HeadersAtTheApp", "TestRules_Conditions"},
	"a GET reaches the backend with `Content-Length":   {"TestDataplane_HeadersAtTheApp"},
	"ALB then adds X-Forwarded-For":                    {"TestDataplane_HeadersAtTheApp", "TestBalancer_ForwardedFor"},
	"ALB XFF modes append":                             {"TestBalancer_ForwardedFor"},
	"ALB trace rules:":                                 {"TestDataplane_TraceGoesOn"},
	"response to the client carries `apigw-requestid":  {"TestChain_ThreeAnswers", "traffic/TestHTTP2_Curl"},
	"API Gateway's own errors:":                        {"TestDataplane_HeaderLimit", "TestGatewayTexts"},
	"id shapes: api 10":                                {"TestDataplane_Shapes"},
	"no stage / no route":                              {"TestDataplane_WhatIsMissing"},
	"VPC link not AVAILABLE, SG blocks, listener gone": {"TestDataplane_NotYetThere", "TestDataplane_SecurityGroups", "TestDataplane_WhatIsMissing", "TestLink_FailedAndDeleting", "TestLink_InactiveAndWoken"},
	"integration over its timeout":                     {"TestDataplane_TimeoutStatus", "TestDataplane_TimeoutOnTheClock"},
	"throttled":                                        {"TestDataplane_Throttle"},
	"body over 10 MB":                                  {"TestDataplane_BodyAndLimits"},
	"default endpoint disabled":                        {"TestDataplane_WhatIsMissing"},
	"request with a Host the API does not serve":       {"TestDataplane_WhatIsMissing", "traffic/TestCurl"},
	"ALB 4xx/5xx":                                      {"TestDataplane_BrokenAnswers", "TestDataplane_WhatIsMissing"},
	"round robin by default":                           {"TestBalancer_RoundRobin", "TestHealth_ZoneNotEnabled"},
	"all targets unhealthy":                            {"TestHealth_Reasons"},
	"503: target group has no registered target":       {"TestDataplane_WhatIsMissing", "TestBalancer_Draining"},
	"502: RST/refused on connect":                      {"TestDataplane_BrokenAnswers", "TestDataplane_WhatIsMissing", "TestBalancer_Draining"},
	"504: no connect within 10 s":                      {"TestDataplane_SecurityGroups", "TestDataplane_TimeoutOnTheClock"},
	"400 bad request/oversized headers":                {"TestDataplane_BrokenAnswers", "TestBalancer_ClientLeaves", "TestDataplane_HeaderLimit"}, // 405, 460, 463; the gateway lets the others not come about
	"with API Gateway's 30 s limit a blocked EC2 SG":   {"TestDataplane_BlockedOnTheClock", "TestDataplane_SecurityGroups"},
	"internal ALB DNS name resolves publicly":          {"TestDataplane_Shapes"},
}

// TestFacts wants each row of a section to be shown by tests that exist, or a
// reason in brackets why there is nothing to show, and each entry to be of a row.
func TestFacts(t *testing.T) {
	t.Parallel()
	tests := map[string]bool{}
	for prefix, dir := range map[string]string{"": "internal/awssim", "wire/": "internal/awssim/wire", "traffic/": "internal/conformance/traffic",
		"clients/": "internal/conformance/clients", "terraform/": "internal/conformance/terraform", "awsapi/": "internal/awsapi"} {
		addTests(t, tests, dir, prefix)
	}
	for heading, shownBy := range map[string]map[string][]string{"## A. ": limits, "## B. ": states, "## C. ": rules, "## D. ": shownBy, "### G1. ": protocols} {
		t.Run(heading, func(t *testing.T) {
			t.Parallel()
			checkFacts(t, heading, shownBy, tests)
		})
	}
}

func checkFacts(t *testing.T, heading string, shownBy map[string][]string, tests map[string]bool) {
	t.Helper()
	shown, used, without := map[string]bool{}, map[string]bool{}, 0
	for _, row := range factRows(t, heading) {
		begin := ""
		for b := range shownBy {
			if strings.HasPrefix(row, "| "+b) && len(b) > len(begin) {
				begin = b
			}
		}
		if begin == "" || shown[begin] {
			t.Errorf("no test is named for the row %q", row)
		}
		shown[begin] = true
	}
	for begin, names := range shownBy {
		if !shown[begin] {
			t.Errorf("%shas no row that begins with %q", heading, begin)
		}
		for _, name := range names {
			if reason := strings.HasPrefix(name, "("); reason {
				without++
				continue
			}
			used[name] = true
			if !tests[name] {
				t.Errorf("%s, for the row %q, does not exist", name, begin)
			}
		}
	}
	t.Logf("%d rows, shown by %d tests; %d rows have nothing to show", len(shown), len(used), without)
}

// factRows returns the rows of a section's tables without their headings.
func factRows(t *testing.T, heading string) (rows []string) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(root, "docs/aws-facts.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "\n"+heading)
	text, _, _ = strings.Cut(text, "\n## ")
	if strings.HasPrefix(heading, "###") {
		text, _, _ = strings.Cut(text, "\n### ")
	}
	head := true
	for line := range strings.Lines(text) {
		switch {
		case strings.HasPrefix(line, "###"):
			head = true
		case strings.HasPrefix(line, "|---"):
			head = false
		case strings.HasPrefix(line, "| ") && !head:
			rows = append(rows, strings.TrimSpace(line))
		}
	}
	return rows
}

func addTests(t *testing.T, tests map[string]bool, dir, prefix string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(root, dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && f.Recv == nil && strings.HasPrefix(f.Name.Name, "Test") {
				tests[prefix+f.Name.Name] = true
			}
		}
	}
}
