package api

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"drawbridge/internal/model"
)

// Paging is what every list takes. It is exported for Huma's sake.
type Paging struct {
	Limit  int    `query:"limit" default:"1000" minimum:"1" maximum:"1000" doc:"How many at most."`
	Cursor string `query:"cursor" maxLength:"2048" doc:"next_cursor of the page before, with the same sort and filters."`
}

// ByName sorts what has a name. It is exported for Huma's sake.
type ByName struct {
	Sort string `query:"sort" enum:"name,-name,created_at,-created_at" default:"name" doc:"By what the list is sorted; with - from the last to the first."`
}

// ByTime sorts what comes newest first. It is exported for Huma's sake.
type ByTime struct {
	Sort string `query:"sort" enum:"created_at,-created_at" default:"-created_at" doc:"Oldest first, or, with -, newest first."`
}

// orders are what a list can be sorted by: for each name of a sort the text
// that is compared. What tells two things apart for certain is under "id".
type orders[M any] map[string]func(*M) string

// at is a time as text that sorts like it.
func at(t time.Time) string { return t.UTC().Format("20060102150405.000000000") }

// place is where a page ends: after the thing of that key and id.
type place struct {
	Sort, Key, ID string
}

func (p place) cursor() string {
	text, _ := json.Marshal(p) // of strings
	return base64.RawURLEncoding.EncodeToString(text)
}

// readCursor reads a cursor of this kind and sort.
func readCursor(cursor, sort string) (p place, err error) {
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err != nil || p.Sort != sort {
		return p, badCursor()
	}
	return p, nil
}

func badCursor() error {
	return model.Errorf(model.CodeInvalid, "The cursor is not one of this list and sort. Send next_cursor of the page before, with the same sort, or none for the first page.")
}

// paged is one page of a list that was read whole: for what there are dozens
// of, not thousands.
func paged[M, W any](p Paging, sort string, list []M, by orders[M], wire func(*M) W) (*listOutput[W], error) {
	name, down := strings.CutPrefix(sort, "-")
	key, id := by[name], by["id"]
	if key == nil || id == nil {
		return nil, fmt.Errorf("there is no order %q", sort)
	}
	compare := func(akey, aid, bkey, bid string) int {
		c := cmp.Or(strings.Compare(akey, bkey), strings.Compare(aid, bid))
		if down {
			return -c
		}
		return c
	}
	slices.SortStableFunc(list, func(a, b M) int { return compare(key(&a), id(&a), key(&b), id(&b)) })
	if p.Cursor != "" {
		last, err := readCursor(p.Cursor, sort)
		if err != nil {
			return nil, err
		}
		next := slices.IndexFunc(list, func(m M) bool { return compare(key(&m), id(&m), last.Key, last.ID) > 0 })
		if next < 0 {
			next = len(list)
		}
		list = list[next:]
	}
	out := &listOutput[W]{}
	if len(list) > p.Limit {
		list = list[:p.Limit]
		last := &list[p.Limit-1]
		out.Body.NextCursor = place{sort, key(last), id(last)}.cursor()
	}
	out.Body.Items = listOf(list, wire).Items
	return out, nil
}

// more divides a list that was asked for one longer than the page, and tells
// the id of the last on the page; "" when it is the last page.
func more[M any](list []M, limit int, id func(*M) string) ([]M, string) {
	if len(list) <= limit {
		return list, ""
	}
	return list[:limit], id(&list[limit-1])
}

// keep narrows a list.
func keep[M any](list []M, wanted func(*M) bool) []M {
	return slices.DeleteFunc(slices.Clone(list), func(m M) bool { return !wanted(&m) })
}

// has tells whether a name contains what was asked for, whatever the case.
func has(name, part string) bool {
	return part == "" || strings.Contains(strings.ToLower(name), strings.ToLower(part))
}

// YesNo is a filter of two values that narrows nothing when it is left out. It
// is exported for Huma's sake.
type YesNo struct {
	Value bool
	given bool
}

// Schema is that of the value.
func (YesNo) Schema(r huma.Registry) *huma.Schema {
	return huma.SchemaFromType(r, reflect.TypeFor[bool]())
}

// Receiver is where Huma writes the value.
func (y *YesNo) Receiver() reflect.Value { return reflect.ValueOf(y).Elem().Field(0) }

// OnParamSet learns whether there was one.
func (y *YesNo) OnParamSet(given bool, _ any) { y.given = given }

// of tells whether v is what was asked for, if something was.
func (y YesNo) of(v bool) bool { return !y.given || y.Value == v }

// is tells whether a value is what was asked for, if something was.
func is[T comparable](value, wanted T) bool {
	var nothing T
	return wanted == nothing || value == wanted
}
