package wire

import (
	"encoding/base64"
	"strings"
)

const tokenPrefix = "after:"

// Page cuts a page of at most size (0 = all) out of items, which are sorted by
// key, beginning after the item that token names. It returns the token of the
// next page, "" on the last. Tokens name a key and not a position, so that a
// list that changes between two pages neither repeats nor skips an item.
func Page[T any](items []T, key func(T) string, token string, size int) ([]T, string, error) {
	if token != "" {
		raw, err := base64.RawURLEncoding.DecodeString(token)
		after, ok := strings.CutPrefix(string(raw), tokenPrefix)
		if err != nil || !ok {
			return nil, "", BadRequest("InvalidNextToken", "The token '%s' is invalid.", token)
		}
		i := 0
		for i < len(items) && key(items[i]) <= after {
			i++
		}
		items = items[i:]
	}
	if size <= 0 || len(items) <= size {
		return items, "", nil
	}
	items = items[:size]
	return items, base64.RawURLEncoding.EncodeToString([]byte(tokenPrefix + key(items[size-1]))), nil
}
