package sheet_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"drawbridge/internal/model"
	"drawbridge/internal/sheet"
)

func read(t *testing.T, text string) *sheet.List {
	t.Helper()
	list, err := sheet.Read([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// told is what the errors of an entry are shown as.
func told(l *sheet.List, e *sheet.Entry) string {
	var lines []string
	for _, f := range e.Refused {
		lines = append(lines, l.At(e, f.Path)+": "+f.Message)
	}
	return strings.Join(lines, "\n")
}

func TestSpreadsheetsForms(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"plain":       "name,port,health_path\norders,8001,/h\n",
		"BOM, CRLF":   "\ufeffname,port,health_path\r\norders,8001,/h\r\n",
		"semicolons":  "name;port;health_path\r\norders;8001;/h\r\n",
		"tabs":        "name\tport\thealth_path\norders\t8001\t/h",
		"quotes":      "\"name\",\"port\",\"health_path\"\n\"orders\",\"8001\",\"/h\"\n\n,,\n",
		"spelling":    " Name ,PORT,Health-Path\norders,8001,/h\n",
		"short row":   "name,port,health_path,ami\norders,8001,/h\n",
		"JSON list":   `[{"name":"orders","spec":{"port":8001,"health_path":"/h"}}]`,
		"JSON object": `{"backends":[{"name":"orders","spec":{"port":8001,"health_path":"/h"}}]}`,
	} {
		list := read(t, text)
		if len(list.Entries) != 1 {
			t.Errorf("%s: %d entries", name, len(list.Entries))
			continue
		}
		e := list.Entries[0]
		if e.Name != "orders" || e.Spec.Port != 8001 || e.Spec.HealthPath != "/h" || len(e.Refused) != 0 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestWholeFilesThatCannotBeRead(t *testing.T) {
	t.Parallel()
	many := "name\n" + strings.Repeat("x\n", 1001)
	for name, row := range map[string]struct{ text, want string }{
		"empty":            {"\ufeff \r\n", "is empty"},
		"only a header":    {"name,port\n", "no backend"},
		"UTF-16":           {"\xff\xfen\x00a\x00", "CSV UTF-8"},
		"not UTF-8":        {"name\nb\xe4ckend\n", "not UTF-8"},
		"too many":         {many, "holds 1001 backends; 1000"},
		"unknown column":   {"name,helth_path\nx,/\n", "did you mean health_path?"},
		"column twice":     {"name,port,port\nx,1,2\n", "stands there twice"},
		"no name":          {"port\n8000\n", "one called name"},
		"open quotes":      {"name\n\"x\n", "line 2"},
		"broken JSON":      {"[{\"name\":\n\"x\",}]", "At line 2"},
		"unknown whole":    {`{"backend":[]}`, "no field \"backend\""},
		"more behind JSON": {`[] []`, "more behind it"},
		"too large":        {strings.Repeat("x", sheet.MaxBytes+1), "larger than 4 MiB"},
	} {
		_, err := sheet.Read([]byte(row.text))
		var e *model.Error
		if !errors.As(err, &e) || e.Code != model.CodeInvalid {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if text := e.Error(); !strings.Contains(text, row.want) {
			t.Errorf("%s: %s", name, text)
		}
	}
}

func TestErrorsNameRowAndColumn(t *testing.T) {
	t.Parallel()
	list := read(t, "name,port,count,add_rule,tests,tags,user_data\n"+
		"one,80a,x,perhaps,GET,=,\"\"\"no\"\n"+
		"two,1,2,yes,none,a=b,\"#!/bin/sh\necho, \"\"hi\"\"\"\n"+
		"three,1,2,,,,,more\n")
	first := told(list, &list.Entries[0])
	for _, want := range []string{
		`row 2, column port: "80a" is not a whole number.`, "row 2, column count: ", "row 2, column add_rule: ",
		"row 2, column tests: Line 1 of the cell", "row 2, column tags: ", "row 2, column user_data: ",
	} {
		if !strings.Contains(first, want) {
			t.Errorf("%q is not in\n%s", want, first)
		}
	}
	two := list.Entries[1]
	if len(two.Refused) != 0 || two.Spec.Launch.UserData != "#!/bin/sh\necho, \"hi\"" || len(two.Spec.Tests) != 0 || two.Spec.Tests == nil || two.Spec.Tags["a"] != "b" {
		t.Errorf("two: %+v, %s", two, told(list, &two))
	}
	// The break within the cell above is no row of its own.
	if got := told(list, &list.Entries[2]); !strings.Contains(got, "row 4: The row has 8 cells and the header names 7.") {
		t.Errorf("three: %s", got)
	}
	inJSON := read(t, `[{"name":"a","spec":{"prot":1}},{"nam":"b","spec":{"port":"x"}}]`)
	if got := told(inJSON, &inJSON.Entries[0]); !strings.Contains(got, `entry 1, field spec: There is no field "prot"; did you mean port?`) {
		t.Errorf("JSON: %s", got)
	}
	if got := told(inJSON, &inJSON.Entries[1]); !strings.Contains(got, "did you mean name?") {
		t.Errorf("JSON: %s", got)
	}
}

func TestTemplateIsAList(t *testing.T) {
	t.Parallel()
	list := read(t, sheet.Template())
	e := list.Entries[0]
	if len(e.Refused) != 0 || model.ValidateBackendName(e.Name) != "" || e.Spec.WithDefaults().Validate() != nil {
		t.Errorf("template: %+v", e)
	}
}

func TestExportsCarryNothingOut(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	err := sheet.WriteCSV(&out, []sheet.Entry{{Name: "a", Environment: "=cmd|' /C calc'!A0", Spec: model.Spec{Tags: map[string]string{"@x": "1"}}.WithDefaults()}})
	if err != nil || !strings.Contains(out.String(), "'=cmd") || !strings.Contains(out.String(), "'@x=1") {
		t.Errorf("%v\n%s", err, out.String())
	}
}

// TestWhatIsWrittenIsReadAgain: any list of valid specs comes back as it was.
func TestWhatIsWrittenIsReadAgain(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		entries := rapid.SliceOfN(rapid.Custom(anyEntry), 1, 4).Draw(t, "entries")
		for name, write := range map[string]func(*bytes.Buffer) error{
			"CSV":  func(b *bytes.Buffer) error { return sheet.WriteCSV(b, entries) },
			"JSON": func(b *bytes.Buffer) error { return sheet.WriteJSON(b, entries) },
		} {
			var out bytes.Buffer
			if err := write(&out); err != nil {
				t.Fatal(err)
			}
			list, err := sheet.Read(out.Bytes())
			if err != nil {
				t.Fatalf("%s: %v\n%s", name, err, out.String())
			}
			for i, got := range list.Entries {
				if len(got.Refused) > 0 || got.Name != entries[i].Name || got.Environment != entries[i].Environment ||
					text(got.Spec.WithDefaults()) != text(entries[i].Spec) {
					t.Fatalf("%s:\n%+v %s\nbecame\n%+v %s\n%s", name, entries[i], text(entries[i].Spec), got, text(got.Spec.WithDefaults()), out.String())
				}
			}
		}
	})
}

// text is a spec as the database keeps it.
func text(s model.Spec) string {
	b, err := json.Marshal(s)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

func anyEntry(t *rapid.T) sheet.Entry {
	words := rapid.StringMatching(`[ -~é]{0,12}`)
	e := sheet.Entry{
		Name:        rapid.StringMatching(`[a-z0-9]{1,8}(-[a-z0-9]{1,4})?`).Draw(t, "name"),
		Environment: rapid.StringMatching(`[=+@'A-Za-z;,"]{1,6}`).Draw(t, "environment"),
	}
	e.Spec = model.Spec{
		Port: rapid.IntRange(1, 65535).Draw(t, "port"), HealthPath: "/" + rapid.StringMatching(`[a-z,;=']{0,8}`).Draw(t, "health path"),
		Tests: []model.RouteTest{},
	}
	for i := range rapid.IntRange(0, 3).Draw(t, "tests") {
		e.Spec.Tests = append(e.Spec.Tests, model.RouteTest{
			Name: rapid.SampledFrom([]string{"", fmt.Sprintf("test %d", i)}).Draw(t, "test"), Method: rapid.SampledFrom(model.Methods).Draw(t, "method"),
			Path: fmt.Sprintf("/p%d", i), ExpectStatus: rapid.IntRange(200, 599).Draw(t, "status"), BodyContains: words.Draw(t, "body"),
		})
	}
	if rapid.Bool().Draw(t, "tagged") {
		e.Spec.Tags = map[string]string{"team": "x", "=@": rapid.StringMatching(`[ a-z=]{0,6}`).Draw(t, "tag")}
	}
	if rapid.Bool().Draw(t, "launched") {
		e.Spec.Launch = &model.Launch{Count: rapid.IntRange(1, 10).Draw(t, "count"), InstanceType: "t3.micro",
			InstanceProfile: rapid.SampledFrom([]string{"", "=app", "@x"}).Draw(t, "profile"),
			UserData:        rapid.SampledFrom([]string{"", "#!/bin/sh\necho \"a,b;c\"", "#!/bin/sh\r\necho\r\n", "#cloud-config\n"}).Draw(t, "user data")}
	} else {
		e.Spec.Source = model.SourceInstances
		e.Spec.Instances = &model.Instances{IDs: []string{"i-0a1b2c3d4e5f67890", "i-0a1b2c3d4e5f67891"}, AddRule: rapid.Bool().Draw(t, "rule")}
	}
	e.Spec = e.Spec.WithDefaults()
	return e
}
