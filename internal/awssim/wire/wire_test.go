package wire_test

import (
	"encoding/xml"
	"errors"
	"io"
	"net/url"
	"slices"
	"strings"
	"testing"

	"drawbridge/internal/awssim/wire"
)

func parse(t *testing.T, form string) wire.Query {
	t.Helper()
	values, err := url.ParseQuery(form)
	if err != nil {
		t.Fatal(err)
	}
	q, err := wire.ParseQuery(values)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func TestQuery(t *testing.T) {
	t.Parallel()
	q := parse(t, "Action=X&N=5&Flag=TRUE&Empty=&L.2=b&L.1=a&L.10=c&M.member.1=x&S.1.A.B=deep&S.1.L.1=y&S.x=no")
	if q.Str("Action") != "X" || q.Int("N", 0) != 5 || !q.Bool("Flag", false) || q.Int("None", 7) != 7 || q.Int("Empty", 8) != 8 {
		t.Error("plain values")
	}
	if !q.Has("Empty") || q.Has("None") {
		t.Error("Has")
	}
	if got := q.List("L"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("list by number: %v", got)
	}
	if got := q.List("M"); !slices.Equal(got, []string{"x"}) {
		t.Errorf("list with member: %v", got)
	}
	s := q.Structs("S")
	if len(s) != 1 || s[0].Str("A.B") != "deep" || !slices.Equal(s[0].List("L"), []string{"y"}) {
		t.Errorf("structures: %+v", s)
	}
	if q.Err() != nil {
		t.Error(q.Err())
	}
	s[0].Int("A.B", 0)
	q.Bool("N", false)
	if err := q.Err(); err == nil || !strings.Contains(err.Error(), "'deep' for S.1.A.B") {
		t.Errorf("the first wrong value is told: %v", err)
	}
	var zero wire.Query
	if zero.Str("x") != "" || zero.Err() != nil || zero.Has("x") || zero.List("x") != nil || zero.Bool("x", true) != true {
		t.Error("the zero query is empty")
	}
}

func TestXML(t *testing.T) {
	t.Parallel()
	n := wire.El("a", wire.Str("b", `<&"`), wire.Int("c", 7), wire.Bool("d", true), wire.Strings("e", "item", []string{"x", "y"}),
		wire.Tags("t", "member", "Key", "Value", map[string]string{"2": "b", "1": "a"}), wire.Node{Name: "f"})
	n.XMLNS = "urn:x"
	want := `<a xmlns="urn:x"><b>&lt;&amp;&#34;</b><c>7</c><d>true</d><e><item>x</item><item>y</item></e>` +
		`<t><member><Key>1</Key><Value>a</Value></member><member><Key>2</Key><Value>b</Value></member></t><f/></a>`
	if got := string(n.Encode()); !strings.HasSuffix(got, want) {
		t.Errorf("got %s\nwant …%s", got, want)
	}
}

func TestPage(t *testing.T) {
	t.Parallel()
	key := func(s string) string { return s }
	items := []string{"a", "b", "c", "d", "e"}
	page, next, err := wire.Page(items, key, "", 2)
	if err != nil || !slices.Equal(page, []string{"a", "b"}) || next == "" {
		t.Fatalf("%v %q %v", page, next, err)
	}
	// What was deleted or added meanwhile neither repeats nor skips anything.
	page, next, err = wire.Page([]string{"a", "aa", "c", "d", "e"}, key, next, 2)
	if err != nil || !slices.Equal(page, []string{"c", "d"}) {
		t.Fatalf("%v %q %v", page, next, err)
	}
	page, next, err = wire.Page(items, key, next, 2)
	if err != nil || !slices.Equal(page, []string{"e"}) || next != "" {
		t.Fatalf("%v %q %v", page, next, err)
	}
	if _, _, err := wire.Page(items, key, "bogus", 2); wire.AsError(err).Code != "InvalidNextToken" {
		t.Errorf("bogus token: %v", err)
	}
}

func TestMatch(t *testing.T) {
	t.Parallel()
	tags := map[string]string{"Name": "test-vpc", "team": "blue"}
	attr := func(name string) ([]string, bool) {
		if name == "group-id" {
			return []string{"sg-1", "sg-2"}, true
		}
		return nil, false
	}
	for _, row := range []struct {
		name   string
		values []string
		want   bool
	}{
		{"tag:Name", []string{"test-*"}, true}, {"tag:Name", []string{"*vpc"}, true}, {"tag:Name", []string{"t??t-vpc"}, true},
		{"tag:Name", []string{"test"}, false}, {"tag:Name", []string{"no", "test-vpc"}, true}, {"tag:none", []string{"*"}, false},
		{"tag-key", []string{"team"}, true}, {"tag-value", []string{"bl*e"}, true}, {"group-id", []string{"sg-2"}, true},
		{"group-id", []string{"sg-3"}, false}, {"group-id", nil, false},
	} {
		got, err := wire.Match([]wire.Filter{{Name: row.name, Values: row.values}}, tags, attr)
		if err != nil || got != row.want {
			t.Errorf("%s=%v: %v %v", row.name, row.values, got, err)
		}
	}
	if _, err := wire.Match([]wire.Filter{{Name: "colour", Values: []string{"x"}}}, tags, attr); wire.AsError(err).Code != "InvalidParameterValue" {
		t.Errorf("unknown filter: %v", err)
	}
}

func TestAsError(t *testing.T) {
	t.Parallel()
	if e := wire.AsError(wire.BadRequest("C", "m %d", 1)); e.Status != 400 || e.Code != "C" || e.Message != "m 1" {
		t.Errorf("%+v", e)
	}
	if e := wire.AsError(io.ErrUnexpectedEOF); e.Status != 500 || e.Code != "InternalFailure" {
		t.Errorf("%+v", e)
	}
}

// Whatever is sent, reading it neither panics nor loses a value.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{"", "Action=DescribeVpcs", "A.1.B=x&A.2=y&A.member.1=z", "A=1&A.1=2", "..=x", "A..1=x", ".=", "A.-1=x&A.99999999999999999999=y", "Filter.1.Name=tag:x&Filter.1.Value.1=*"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, form string) {
		values, err := url.ParseQuery(form)
		if err != nil {
			return
		}
		q, err := wire.ParseQuery(values)
		if err != nil {
			return
		}
		for name, v := range values {
			if got := q.Str(name); got != v[0] {
				t.Errorf("%q is %q, want %q", name, got, v[0])
			}
			for _, s := range q.Structs(name) {
				s.Int("x", 0)
				s.List("member")
			}
		}
		if _, err := wire.Match(q.Filters(), map[string]string{"a": "b"}, func(string) ([]string, bool) { return []string{"v"}, true }); err != nil {
			t.Error(err)
		}
	})
}

// Whatever is put in, what comes out is XML that reads as it was, but for
// characters that XML cannot hold.
func FuzzXML(f *testing.F) {
	for _, s := range []string{"", "plain", "<a>&\"'", "日本語", "\x00\x01", "\xff\xfe", "]]>", "\r\n\t"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		d := xml.NewDecoder(strings.NewReader(string(wire.El("r", wire.Str("v", text)).Encode())))
		for {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	})
}
