package e2e

import "drawbridge/internal/hostile"

// awsSecret is what the servers under test sign with.
const awsSecret = "canaryOfTheAWSSecretKey0123456789"

// canary is a secret that no log line, no answer and no file of the server may
// show from now on. A copy of the server watches with it.
func (s *server) canary(name, secret string) { s.canaries.Add(name, secret) }

// watchLog fails the test for every secret that the log shows.
func (s *server) watchLog() {
	s.t.Helper()
	if s.logs == nil {
		return
	}
	if why := s.canaries.Find("the log", []byte(s.logs.String())); why != "" {
		s.t.Error(why)
	}
}

// watchFiles looks, when all is over, into the last log and into every file: the
// database and its journal, and the simulated AWS's state.
func (s *server) watchFiles() {
	s.t.Helper()
	s.watchLog()
	for _, why := range s.canaries.FindInFiles(s.dir) {
		s.t.Error(why)
	}
}

func newCanaries() *hostile.Canaries {
	c := &hostile.Canaries{}
	c.Add("AWS's secret key", awsSecret)
	return c
}
