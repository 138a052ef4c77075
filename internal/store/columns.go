package store

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ms is a time as it is kept: unix milliseconds, 0 for the zero time.
func ms(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// millis scans such a column.
type millis struct{ t *time.Time }

func (m millis) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a time is kept as %T", src)
	}
	*m.t = time.Time{}
	if v != 0 {
		*m.t = time.UnixMilli(v).UTC()
	}
	return nil
}

// span scans a column that keeps a length of time in milliseconds.
type span struct{ d *time.Duration }

func (s span) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("a length of time is kept as %T", src)
	}
	*s.d = time.Duration(v) * time.Millisecond
	return nil
}

// jsonText is v as it is kept. NUL, which jsonb refuses, becomes U+FFFD. What
// cannot be marshalled is an error of the statement that it is an argument of.
func jsonText(v any) (string, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("marshal %T: %w", v, err)
	}
	return withoutNUL(b), nil
}

// withoutNUL replaces the escape \u0000 in JSON text, but not an escaped
// backslash that is followed by "u0000".
func withoutNUL(b []byte) string {
	if !bytes.Contains(b, []byte(`\u0000`)) {
		return string(b)
	}
	var out strings.Builder
	for i := 0; i < len(b); i++ {
		switch {
		case b[i] != '\\':
			out.WriteByte(b[i])
		case bytes.HasPrefix(b[i:], []byte(`\u0000`)):
			out.WriteString(`\ufffd`)
			i += len(`\u0000`) - 1
		default:
			out.Write(b[i : i+2])
			i++
		}
	}
	return out.String()
}

// jsonArgs marshals several values; the first error counts.
func jsonArgs(vs ...any) ([]string, error) {
	texts := make([]string, len(vs))
	for i, v := range vs {
		var err error
		if texts[i], err = jsonText(v); err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// jsonColumn scans a JSON column into dst, a pointer.
type jsonColumn struct{ dst any }

func (c jsonColumn) Scan(src any) error {
	switch v := src.(type) {
	case string:
		return json.Unmarshal([]byte(v), c.dst)
	case []byte:
		return json.Unmarshal(v, c.dst)
	}
	return fmt.Errorf("JSON is kept as %T", src)
}

// placeholders returns "$from, …" for n values.
func placeholders(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(list, ", ")
}

// anys makes arguments of strings.
func anys(list []string) []any {
	out := make([]any, len(list))
	for i, s := range list {
		out[i] = s
	}
	return out
}
