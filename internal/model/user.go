package model

import (
	"net/mail"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// User is a person who signs in.
type User struct {
	ID         string    `json:"id"`
	Name       string    `json:"name"`
	Email      string    `json:"email,omitempty"` // lower case; a way to reach them, never their identity at a provider
	Admin      bool      `json:"admin"`
	DisabledAt time.Time `json:"disabled_at,omitzero"`
	CreatedAt  time.Time `json:"created_at"`
	// HasPassword and Identities are the ways that lead in.
	HasPassword bool `json:"has_password"`
	Identities  int  `json:"identities"`
}

// Disabled tells whether the user is switched off.
func (u *User) Disabled() bool { return !u.DisabledAt.IsZero() }

// HasCredentials tells whether the user can sign in by themselves.
func (u *User) HasCredentials() bool { return u.HasPassword || u.Identities > 0 }

// Identity is a user as a provider knows them: issuer and subject together
// never change hands, unlike names and addresses.
type Identity struct {
	Issuer    string    `json:"issuer"`
	Subject   string    `json:"subject"`
	UserID    string    `json:"user_id"`
	CreatedAt time.Time `json:"created_at"`
}

// Session is one browser in which a user is signed in.
type Session struct {
	ID          string    `json:"id"`
	UserID      string    `json:"user_id"`
	Address     string    `json:"address"`
	Agent       string    `json:"agent"`
	CreatedAt   time.Time `json:"created_at"`
	SeenAt      time.Time `json:"seen_at"`
	ConfirmedAt time.Time `json:"confirmed_at"` // when they last proved who they are
}

// Bounds of what a person types about themselves. A password is bounded so
// that hashing it is.
const (
	maxUserName = 64
	maxEmail    = 254
	MinPassword = 12
	maxPassword = 256
)

// ValidateUserName tells what is wrong with a user's name, "" for nothing. An @
// would make a name look like another user's address.
func ValidateUserName(name string) string {
	switch {
	case strings.TrimSpace(name) == "":
		return "Give a name, as it should stand in jobs."
	case utf8.RuneCountInString(name) > maxUserName:
		return "Use at most 64 characters."
	case name != strings.TrimSpace(name), strings.Contains(name, "@"), !utf8.ValidString(name):
		return "Use no @ and no spaces at the ends."
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsGraphic(r) }):
		return "Use printable characters only."
	case isSystem(name):
		return systemsName
	}
	return ""
}

// NormalEmail returns an address as it is kept, and what is wrong with it.
func NormalEmail(address string) (normal, why string) {
	typed := strings.TrimSpace(address)
	address = strings.ToLower(typed)
	parsed, err := mail.ParseAddress(address)
	if err != nil || parsed.Address != address || len(address) > maxEmail || beyondASCII(typed) != beyondASCII(address) {
		return address, "Write an address as in ada@example.com."
	}
	return address, ""
}

// beyondASCII counts what is not ASCII: the lower case of a few foreign letters is
// (the sign of kelvin's is k), so that one address would be taken for another.
func beyondASCII(s string) int {
	n := 0
	for _, r := range s {
		if r > unicode.MaxASCII {
			n++
		}
	}
	return n
}

// TakenName tells whether one of them has the name, or one that only differs by case.
func TakenName(users []User, name string) bool {
	return slices.ContainsFunc(users, func(u User) bool { return strings.EqualFold(u.Name, name) })
}

// ValidatePassword tells what is wrong with a new password, "" for nothing.
// Length is what counts; there are no rules about kinds of characters.
func ValidatePassword(password string) string {
	switch {
	case utf8.RuneCountInString(password) < MinPassword:
		return "Use at least 12 characters; a few words in a row are good."
	case len(password) > maxPassword:
		return "Use at most 256 bytes."
	}
	return ""
}
