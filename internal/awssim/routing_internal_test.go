package awssim

import (
	"slices"
	"testing"
)

func TestPickRoute(t *testing.T) {
	t.Parallel()
	keys := []string{"ANY /{proxy+}", "GET /pets", "ANY /pets", "GET /pets/{id}", "GET /pets/{proxy+}", "ANY /pets/dog/{proxy+}", "POST /{kind}/new", "$default"}
	all := make([]route, len(keys))
	for i, k := range keys {
		all[i] = route{Key: k}
	}
	reversed := slices.Clone(all)
	slices.Reverse(reversed)
	for _, row := range []struct{ method, path, want string }{
		{"GET", "/pets", "GET /pets"},                      // a method beats ANY
		{"POST", "/pets", "ANY /pets"},                     // ANY = the methods not named
		{"GET", "/pets/1", "GET /pets/{id}"},               // a full match beats a greedy one
		{"GET", "/pets/1/x", "GET /pets/{proxy+}"},         // the longest greedy one
		{"GET", "/pets/dog/1", "ANY /pets/dog/{proxy+}"},   // longest beats method
		{"POST", "/pets/new", "POST /{kind}/new"},          // one variable inside
		{"DELETE", "/pets/1", "ANY /{proxy+}"},             // other methods fall through
		{"GET", "/", "ANY /{proxy+}"},                      // the tutorial's bare URL
		{"GET", "", "ANY /{proxy+}"},                       //
		{"GET", "/pets/", "GET /pets/{proxy+}"},            // not the same as /pets
		{"GET", "/a//b", "ANY /{proxy+}"},                  // doubled slashes are kept
		{"GET", "/pets/a%2Fb", "GET /pets/{id}"},           // an encoded slash separates nothing
		{"GET", "/PETS", "ANY /{proxy+}"},                  // case counts
		{"OPTIONS", "/pets/dog", "ANY /pets/dog/{proxy+}"}, // greedy takes nothing, too
	} {
		for _, routes := range [][]route{all, reversed} { // the order of routes means nothing
			got, _ := pickRoute(routes, row.method, pathSegments(row.path))
			if got == nil || got.Key != row.want {
				t.Errorf("%s %s: %+v, want %s", row.method, row.path, got, row.want)
			}
		}
	}
	if got, _ := pickRoute(all[7:], "GET", pathSegments("/x")); got == nil || got.Key != "$default" {
		t.Errorf("only $default: %+v", got)
	}
	if got, _ := pickRoute(all[1:2], "GET", pathSegments("/x")); got != nil {
		t.Errorf("nothing fits: %+v", got)
	}
	if _, vars := pickRoute(all[:1], "GET", pathSegments("/a/b%20c")); vars["proxy"] != "a/b c" {
		t.Errorf("variables %v", vars)
	}
}

func TestPickStage(t *testing.T) {
	t.Parallel()
	both := []*stage{{Name: "$default"}, {Name: "dev"}}
	for _, row := range []struct {
		path, stage, first string
		stages             []*stage
	}{
		{"/dev/x", "dev", "x", both},
		{"/dev", "dev", "", both},
		{"/other/x", "$default", "other", both},
		{"/", "$default", "", both},
	} {
		got, rest := pickStage(row.stages, pathSegments(row.path))
		if got == nil || got.Name != row.stage || rest[0] != row.first {
			t.Errorf("%s: %+v %v", row.path, got, rest)
		}
	}
	if got, _ := pickStage(both[1:], pathSegments("/x")); got != nil {
		t.Errorf("no stage fits: %+v", got)
	}
}

func TestMatcher(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		matcher string
		status  int
		want    bool
	}{{"200", 200, true}, {"200", 204, false}, {"200,302", 302, true}, {"200-299", 250, true}, {"200-299,404", 404, true}, {"200-299", 300, false}} {
		if got := matches(row.matcher, row.status); got != row.want {
			t.Errorf("%s %d: %v", row.matcher, row.status, got)
		}
	}
}

func TestForwardIsLoopbackOnly(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"127.0.0.1:8000": true, "[::1]:80": true, "localhost:3000": true, "127.9.9.9:1": true,
		"10.0.0.1:80": false, "169.254.169.254:80": false, "example.com:80": false, "127.0.0.1": false, "127.0.0.1:0": false,
		"127.0.0.1:99999": false, "0.0.0.0:80": false, "": false, "localhost.evil.example:80": false,
	} {
		if err := checkForward(address); (err == nil) != want {
			t.Errorf("%q: %v", address, err)
		}
	}
}

func TestAppPort(t *testing.T) {
	t.Parallel()
	for data, want := range map[string]int{
		"": 8000, "#!/bin/bash\napp.run(host='0.0.0.0', port=8080)": 8080, "PORT=9000 python3 app.py": 9000, `port = "81"`: 81,
		"port=0": 8000, "port=70000": 8000, "support=5": 8000, "port=": 8000,
	} {
		if got := (&instance{UserData: data}).appPort(); got != want {
			t.Errorf("%q: %d, want %d", data, got, want)
		}
	}
}

func TestZoneIDs(t *testing.T) {
	t.Parallel()
	for region, want := range map[string][2]string{
		"ap-northeast-1": {"ap-northeast-1c", "apne1-az1"}, "us-east-1": {"us-east-1b", "use1-az2"}, "eu-central-1": {"eu-central-1a", "euc1-az1"},
	} {
		s, err := New(Options{Region: region})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := s.zoneID(want[0]); got != want[1] {
			t.Errorf("%s: %s, want %s", want[0], got, want[1])
		}
	}
}
