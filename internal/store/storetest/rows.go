package storetest

import (
	"errors"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// at is a time as databases keep it.
func at(seconds int) time.Time { return time.Unix(1_790_000_000+int64(seconds), 0).UTC() }

func same(t *testing.T, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("got  %+v\nwant %+v", got, want)
	}
}

func testPeople(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	ada := &model.User{Name: "ada", Admin: true, CreatedAt: at(0)}
	team := &model.Token{TeamID: w.team.ID, Name: "ci", Role: model.RoleDeveloper, CreatedAt: at(1), ExpiresAt: at(9)}
	admins := &model.Token{Name: "ops", Role: model.RoleAdmin, CreatedAt: at(2), ExpiresAt: at(9)}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertUser(ctx, ada), q.InsertToken(ctx, team, "hash-1"), q.InsertToken(ctx, admins, "hash-2"))
	})
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.InsertUser(ctx, &model.User{Name: "ada"}) }), model.CodeConflict)
	wantCode(t, w.InTx(ctx, func(q *store.Queries) error { return q.InsertTeam(ctx, &model.Team{Name: "default"}) }), model.CodeConflict)

	q := w.Read()
	byID, err := q.UserByID(ctx, ada.ID)
	must(t, err)
	same(t, byID, ada)
	users, err := q.Users(ctx)
	must(t, err)
	same(t, users, []model.User{*ada})
	byName, err := q.TeamByName(ctx, "default")
	must(t, err)
	same(t, byName, w.team)

	w.tx(func(q *store.Queries) error { return q.TouchToken(ctx, team.ID, at(5)) })
	team.LastUsedAt = at(5)
	token, err := q.TokenByHash(ctx, "hash-1")
	must(t, err)
	same(t, token, team)
	list, err := q.Tokens(ctx, "")
	must(t, err)
	same(t, list, []model.Token{*admins})
	w.tx(func(q *store.Queries) error { return q.DeleteToken(ctx, w.team.ID, team.ID) })
	_, err = q.TokenByHash(ctx, "hash-1")
	wantCode(t, err, model.CodeNotFound)
}

// startingAt counts seconds from a moment on the store's clock, which need not
// be the process's.
func startingAt(start time.Time) func(seconds int) time.Time {
	return func(seconds int) time.Time { return start.Add(time.Duration(seconds) * time.Second) }
}

func testSignInLinks(t *testing.T, open Open) {
	var seconds atomic.Int64
	w, ctx := worldOf(t, open(t, store.Options{Now: func() time.Time { return at(int(seconds.Load())) }})), t.Context()
	at := startingAt(w.Now())
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertSignInLink(ctx, "good", "", at(10)), q.InsertSignInLink(ctx, "late", "", at(2)),
			q.InsertSignInLink(ctx, "olga's", "usr_olga", at(10)), q.InsertSignInLink(ctx, "olga's other", "usr_olga", at(10)))
	})
	use := func(hash string) bool {
		return w.InTx(ctx, func(q *store.Queries) error {
			user, err := q.UseSignInLink(ctx, hash)
			if err == nil && (user == "usr_olga") != strings.HasPrefix(hash, "olga") {
				t.Errorf("%s is the link of %q", hash, user)
			}
			if err != nil && model.CodeOf(err) != model.CodeNotFound {
				t.Error(err)
			}
			return err
		}) == nil
	}
	seconds.Store(2)
	if use("late") || use("absent") {
		t.Fatal("an expired or absent link was good")
	}
	var uses atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if use("good") {
				uses.Add(1)
			}
		})
	}
	wg.Wait()
	same(t, uses.Load(), int64(1))
	if !use("olga's") || use("olga's other") {
		t.Error("a user's link closed with another's, or one did not with the user's own")
	}
}

func testSessions(t *testing.T, open Open) {
	var seconds atomic.Int64
	s, ctx := open(t, store.Options{Now: func() time.Time { return at(int(seconds.Load())) }}).Sessions(), t.Context()
	find := func(want string) {
		t.Helper()
		data, ok, err := s.FindCtx(ctx, "token")
		must(t, err)
		if string(data) != want || ok != (want != "") {
			t.Fatalf("found %q (%v), want %q", data, ok, want)
		}
	}
	find("")
	must(t, s.CommitCtx(ctx, "token", []byte{0xff, 'a'}, at(100)))
	find("\xffa")
	must(t, s.CommitCtx(ctx, "token", []byte("b"), at(100)))
	find("b")
	must(t, s.CommitCtx(ctx, "token", []byte("b"), at(101))) // not worth a write
	seconds.Store(100)
	find("")
	must(t, s.CommitCtx(ctx, "token", []byte("b"), at(200)))
	find("b")
	must(t, s.DeleteCtx(ctx, "token"))
	must(t, s.DeleteCtx(ctx, "token"))
	find("")
}

func testEnvironments(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	first := *w.env
	again := model.Environment{Name: first.Name, Description: "moved", Region: "eu-west-1", VPCID: "vpc-1",
		SubnetIDs: []string{"subnet-1"}, Endpoint: "http://127.0.0.1:4566", Credentials: model.CredentialsDefault,
		RoleARN: "arn", ExternalID: "ext"}
	w.tx(func(q *store.Queries) error { return q.UpsertEnvironment(ctx, &again) })
	same(t, []any{again.ID, again.CreatedAt}, []any{first.ID, first.CreatedAt})
	for _, read := range []func() (*model.Environment, error){
		func() (*model.Environment, error) { return w.Read().EnvironmentByID(ctx, first.ID) },
		func() (*model.Environment, error) { return w.Read().EnvironmentByName(ctx, first.Name) },
	} {
		got, err := read()
		must(t, err)
		same(t, got, &again)
	}
	list, err := w.Read().Environments(ctx)
	must(t, err)
	same(t, list, []model.Environment{again})
}

func testResources(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	alb := model.Resource{BackendID: b.ID, Key: "alb", Kind: "elbv2.load_balancer", Title: "A load balancer", Position: 1, Name: "orders-alb", AWSID: "arn",
		Outputs: map[string]string{"dns": "x"}, Ownership: model.OwnershipManaged, State: model.ResourceReady,
		Detail: "d", Params: map[string]string{"scheme": "internal"}, Needs: []string{"sg"}, CreatedAt: at(2)}
	sg := model.Resource{BackendID: b.ID, Key: "sg", CreatedAt: at(1), State: model.ResourceReady}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.UpsertResource(ctx, &alb), q.UpsertResource(ctx, &sg))
	})
	list, err := w.Read().Resources(ctx, b.ID)
	must(t, err)
	same(t, list, []model.Resource{sg, alb})
	sg.State, sg.CreatedAt = model.ResourceGone, at(3) // made anew, and gone
	w.tx(func(q *store.Queries) error { return q.UpsertResource(ctx, &sg) })
	list, err = w.Read().Resources(ctx, b.ID)
	must(t, err)
	same(t, list, []model.Resource{sg, alb}) // still in the chain's order
	w.tx(func(q *store.Queries) error { return q.DeleteResource(ctx, b.ID, "sg") })
	list, err = w.Read().Resources(ctx, b.ID)
	must(t, err)
	same(t, list, []model.Resource{alb})
}

func testTestRuns(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	run := func(name string, second int) model.TestRun {
		return model.TestRun{BackendID: b.ID, Name: name, Method: "GET", URL: "http://x/", Passed: second%2 == 0,
			Reason: "r", Status: 200, Proto: "HTTP/1.1", Millis: 1.25, Body: "hello", Truncated: true, Actor: "ada",
			Headers: map[string][]string{"Via": {"1.1 a", "1.1 b"}}, At: at(second)}
	}
	runs := []model.TestRun{run("b", 1), run("a", 2), run("b", 3)}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertTestRun(ctx, &runs[0]), q.InsertTestRun(ctx, &runs[1]), q.InsertTestRun(ctx, &runs[2]))
	})
	list, err := w.Read().TestRuns(ctx, b.ID, model.Selection{Limit: 2})
	must(t, err)
	same(t, list, []model.TestRun{runs[2], runs[1]})
	list, err = w.Read().LatestTestRuns(ctx, b.ID)
	must(t, err)
	same(t, list, []model.TestRun{runs[1], runs[2]})
}

// testOddTexts: what other people's servers answer may hold NUL and bytes that
// are not UTF-8, which PostgreSQL refuses, and so may what a filter asks for.
func testOddTexts(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	b := w.backend("orders")
	run := model.TestRun{BackendID: b.ID, Name: "n", Body: "a\x00b\xffc", Headers: map[string][]string{"X": {"\x00", `\u0000`, `\\u0000`}}}
	w.tx(func(q *store.Queries) error {
		return errors.Join(q.InsertTestRun(ctx, &run), q.AppendTestRun(ctx, &run))
	})
	list, err := w.Read().TestRuns(ctx, b.ID, model.Selection{Limit: 1})
	must(t, err)
	same(t, list[0].Body, "a\uFFFDb\uFFFDc")
	same(t, list[0].Headers, map[string][]string{"X": {"\uFFFD", `\u0000`, `\\u0000`}})
	same(t, w.events(b.ID), []string{"test n"})
	_, err = w.Read().Deliveries(ctx, store.DeliveryQuery{WebhookID: "whk_x", State: "a\x00b\xff", Limit: 10})
	must(t, err)
}

func testInstallID(t *testing.T, open Open) {
	s := open(t, store.Options{})
	first, err := s.InstallID(t.Context())
	must(t, err)
	again, err := s.InstallID(t.Context())
	must(t, err)
	if first == "" || first != again {
		t.Fatalf("install ids %q and %q", first, again)
	}
}

func testAbsent(t *testing.T, open Open) {
	w, ctx := newWorld(t, open), t.Context()
	q := w.Read()
	for noun, read := range map[string]func() error{
		"team":                func() error { _, err := q.TeamByID(ctx, "x"); return err },
		"user":                func() error { _, err := q.UserByID(ctx, "x"); return err },
		"token":               func() error { _, err := q.TokenByHash(ctx, "x"); return err },
		"environment":         func() error { _, err := q.EnvironmentByID(ctx, "x"); return err },
		"environment by name": func() error { _, err := q.EnvironmentByName(ctx, "x"); return err },
		"backend":             func() error { _, err := q.BackendByID(ctx, "x"); return err },
		"job":                 func() error { _, err := q.JobByID(ctx, "x"); return err },
		"token to delete":     func() error { return w.InTx(ctx, func(q *store.Queries) error { return q.DeleteToken(ctx, "", "x") }) },
		"backend to update": func() error {
			return w.InTx(ctx, func(q *store.Queries) error { return q.UpdateBackend(ctx, &model.Backend{ID: "x"}) })
		},
		"backend of an event": func() error {
			return w.InTx(ctx, func(q *store.Queries) error { return q.AppendEvent(ctx, &model.Event{BackendID: "x"}) })
		},
		"job to cancel": func() error { return w.InTx(ctx, func(q *store.Queries) error { return q.RequestCancel(ctx, "x") }) },
	} {
		if err := read(); err == nil || model.CodeOf(err) != model.CodeNotFound {
			t.Errorf("%s: error is %v, want not_found", noun, err)
		}
	}
}
