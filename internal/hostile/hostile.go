// Package hostile has the values that tests send where something harmless is
// asked for, and a judge of what may come back. Only tests import it.
package hostile

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
)

// Mark is in every value that is markup: an answer that shows it as it is was
// not escaped.
const Mark = "<script>alert('drawbridge')</script>"

// Texts are values for fields, parameters and ids. Nobody changes them.
func Texts() []string { return texts() }

var texts = sync.OnceValue(func() []string { // some are long
	return []string{
		"", " ", "\x00", "a\x00b", "\r\nSet-Cookie: a=b", "\r\n\r\n" + Mark, "\t", "\x1b[31m", "\x7f", "\u202etxt.exe", "\ufeff", "\u2028",
		"\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "é", "ＡＢＣ", "日本語", "𝒳", "👩‍👩‍👧‍👦", "Z͑ͫ̓ͪ̂ͫ̽͏̴̙̤̞͉͚̯̞̠͍A", "İ", "ß",
		Mark, `"><img src=x onerror=alert(1)>` + Mark, "javascript:alert(1)", "{{7*7}}", "${7*7}", "<!--", "]]>", "&lt;",
		"'", `"`, "`", "\\", "' OR '1'='1", "1; DROP TABLE backends; --", "') UNION SELECT secret FROM api_tokens --", "%", "_", "%00", "%2e%2e%2f",
		"../../etc/passwd", "..\\..\\windows", "/etc/passwd", "//evil.example", "https://evil.example/", "file:///etc/passwd", "http://169.254.169.254/",
		"$(id)", "`id`", "; id", "| id", "--help", "-1", "0", "1e999", "NaN", "Infinity", "9223372036854775808", "-9223372036854775809", "0x10", "1.5", "٣",
		"true", "null", "undefined", "[object Object]", "[]", "{}", `{"a":`, "a=b", "a&b=c", "2026-13-45", "0001-01-01", "99999-01-01",
		"be_aaaaaaaaaaaaaaaa", "job_aaaaaaaaaaaaaaaa", "team_aaaaaaaaaaaaaaaa", "env_lab",
		strings.Repeat("a", 300), strings.Repeat("é", 5000), strings.Repeat("a", 70_000), strings.Repeat("a,", 2000), strings.Repeat("\n", 3000),
	}
})

// JSON are values for a place in a JSON document, as text. Nobody changes them.
func JSON() []string { return jsonTexts() }

var jsonTexts = sync.OnceValue(func() []string {
	return []string{
		"null", "true", "0", "-1", "1.5", "1e308", "1e999", "99999999999999999999999999", "-0", `""`, `" "`, `"\u0000"`, `"\ud800"`,
		`"<script>alert('drawbridge')</script>"`, `"\r\nX: y"`, `"' OR 1=1 --"`, "[]", "{}", "[[]]", "[null]", `["a"]`, `{"a":{"b":{}}}`, `{"":""}`,
		`{"__proto__":{}}`, `{"a":1,"a":2}`, strings.Repeat("[", 200) + strings.Repeat("]", 200), `"` + strings.Repeat("x", 70_000) + `"`, "\"\xff\"",
	}
})

// Bodies are whole bodies where JSON or a form is asked for. Nobody changes them.
func Bodies() []string { return bodies() }

var bodies = sync.OnceValue(func() []string {
	return []string{
		"", " ", "null", "[]", "{}", "{", "}", `"text"`, "0", "{}{}", "{\x00}", "\xff\xfe{}", "\ufeff{}", "{\"a\":1,}", "{'a':1}", "<xml/>", "a=b&c=d",
		"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--", strings.Repeat("[", 100_000), strings.Repeat(`{"a":`, 100_000),
		`{"name":` + strings.Repeat("[", 10_000), strings.Repeat("x", 2<<20), `{"name":"` + strings.Repeat("x", 10<<20) + `"}`,
	}
})

// Judge says what is wrong with an answer to hostile input, or "".
func Judge(status int, header http.Header, body string) string {
	switch location := header.Get("Location"); {
	case status >= http.StatusInternalServerError:
		return fmt.Sprintf("status %d", status)
	case strings.Contains(header.Get("Content-Type"), "html") && strings.Contains(body, Mark):
		return "markup came back as markup"
	case location != "" && (!strings.HasPrefix(location, "/") || strings.HasPrefix(location, "//") || strings.ContainsAny(location, "\\\r\n")):
		return "it leads to " + location
	case header.Get("Content-Type") == "" && body != "":
		return "the answer has no content type"
	}
	for name, values := range header {
		if name == "Set-Cookie" && strings.Contains(strings.Join(values, ""), "a=b") {
			return "a header was injected"
		}
	}
	return ""
}
