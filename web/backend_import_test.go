package web

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/panel"
	"drawbridge/internal/sheet"
)

// imported is the import form as a browser without JavaScript sends it.
func imported(action, list string) url.Values {
	return url.Values{"list": {list}, "environment_id": {"env_local"}, "provision": {"1"}, "action": {action}}
}

func (s *site) names() []string {
	s.t.Helper()
	all, err := s.web.panel.Backends(s.t.Context(), developer, panel.BackendFilter{})
	if err != nil {
		s.t.Fatal(err)
	}
	var names []string
	for _, b := range all {
		names = append(names, b.Name)
	}
	return names
}

func TestImportChecksBeforeItRegisters(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.backend(model.PhaseReady)
	want(t, s.as(developer, http.MethodGet, pathBackendImport(), nil), http.StatusOK,
		`name="list"`, `type="file"`, pathBackendTemplate(), "Check", "!What would be made")
	wrong := "name,port,health_path\none,8000,/h\ntwo,80a,h\norders-api,8000,/other\n"
	want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("check", wrong)), http.StatusUnprocessableEntity,
		"1 new, 0 unchanged, 1 in conflict, 1 invalid", "row 3, column port: ", "row 3, column health_path: ", "row 4, column health_path: ",
		"two,80a,h", `data-outcome="conflict"`, "!import-register")
	right := "name\none\ntwo\n"
	want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("check", right)), http.StatusOK,
		"2 new", "Register 2 backends and provision 2", "name\none\ntwo")
	if got := s.names(); len(got) != 1 {
		t.Fatalf("checking registered %v", got)
	}
	r := s.as(developer, http.MethodPost, pathBackendImport(), imported("register", right))
	to := r.Header.Get("Location")
	if r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, pathBackends+"?batch=bat_") {
		t.Fatalf("%d to %q", r.StatusCode, to)
	}
	want(t, s.as(viewer, http.MethodGet, to, nil), http.StatusOK,
		"Imported together: 0 of 2 backends ready.", "number 1 in the queue", "number 2 in the queue", "!orders-api")
	want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("check", right)), http.StatusOK, "2 unchanged", "There is nothing to do.")
}

func TestImportRegistersAllOrNone(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("register", "name,port\none,1\ntwo,0\n")),
		http.StatusUnprocessableEntity, "row 3, column port: ", "Nothing is registered until every row is right")
	want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("register", "nam\none\n")),
		http.StatusUnprocessableEntity, "did you mean name?", "Nothing was registered", "nam\none")
	if got := s.names(); len(got) != 0 {
		t.Errorf("there are %v", got)
	}
}

// upload sends a file as a browser does.
func (s *site) upload(file []byte, typed string) *http.Response {
	s.t.Helper()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	part, err := m.CreateFormFile("file", "list.csv")
	if err != nil {
		s.t.Fatal(err)
	}
	if _, err := part.Write(file); err != nil {
		s.t.Fatal(err)
	}
	for name, value := range map[string]string{"list": typed, "action": "check", "environment_id": "env_local"} {
		if err := m.WriteField(name, value); err != nil {
			s.t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		s.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, pathBackendImport(), &body)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("X-Test-User", developer.ID)
	rec := httptest.NewRecorder()
	s.http.ServeHTTP(rec, r)
	return rec.Result()
}

func TestImportTakesFiles(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	want(t, s.upload([]byte("\ufeffname;port\r\nfiled;8000\r\n"), "typed"), http.StatusOK, "1 new", "name;port", "filed;8000", "!typed")
	want(t, s.upload([]byte("\xff\xfen\x00"), "typed"), http.StatusUnprocessableEntity, "CSV UTF-8", "typed")
	want(t, s.upload(bytes.Repeat([]byte("x"), sheet.MaxBytes+1), "typed"), http.StatusUnprocessableEntity, "larger than 4 MiB", "typed")
	want(t, s.upload(bytes.Repeat([]byte("x"), maxImport+1), "typed"), http.StatusUnprocessableEntity, "larger than 4 MiB")
}

// An export is a list that changes nothing when it is imported again.
func TestExportsCanBeImported(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	list := "name,port,tags,tests,user_data\na-1,8001,x=1,none,\na-2,8002,,/x 204,\"#!/bin/sh\necho 'a;b',\"\"c\"\"\"\n"
	if r := s.as(developer, http.MethodPost, pathBackendImport(), imported("register", list)); r.StatusCode != http.StatusSeeOther {
		want(t, r, http.StatusSeeOther)
	}
	for _, format := range []string{"csv", "json"} {
		r := s.as(viewer, http.MethodGet, pathBackendExport(format)+"?name=a-", nil)
		if !strings.Contains(r.Header.Get("Content-Disposition"), "backends."+format) {
			t.Errorf("%s: headers %v", format, r.Header)
		}
		text := want(t, r, http.StatusOK, "a-1", "a-2")
		want(t, s.as(developer, http.MethodPost, pathBackendImport(), imported("check", text)), http.StatusOK, "0 new, 2 unchanged, 0 in conflict, 0 invalid")
	}
	want(t, s.as(viewer, http.MethodGet, pathBackendExport("xml"), nil), http.StatusNotFound)
	want(t, s.as(developer, http.MethodGet, pathBackendTemplate(), nil), http.StatusOK, "name,environment,source")
	s.foreignTeam()
	s.backend(model.PhaseReady, func(b *model.Backend) { b.ID, b.Name, b.TeamID = "be_9", "a-secret", "team_b" })
	want(t, s.as(viewer, http.MethodGet, pathBackendExport("csv"), nil), http.StatusOK, "a-1", "!a-secret")
}
