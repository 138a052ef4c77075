package model

import (
	"crypto/rand"
	"encoding/base32"
	"strings"
)

// Prefixes of ids, one per noun.
const (
	PrefixTeam        = "team_"
	PrefixUser        = "usr_"
	PrefixEnvironment = "env_"
	PrefixBackend     = "be_"
	PrefixBatch       = "bat_"
	PrefixJob         = "job_"
	PrefixTestRun     = "run_"
	PrefixToken       = "tok_"
	PrefixInstall     = "ins_"
	PrefixSession     = "ses_"
	PrefixInvitation  = "inv_"
	PrefixTrust       = "trust_"
	PrefixNotice      = "ntc_"
	PrefixWebhook     = "whk_"
	PrefixTemplate    = "tpl_"
)

var idEncoding = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// NewID returns prefix followed by 80 random bits in lower-case base32
// (16 characters), so ids are safe in URLs, tags and AWS names.
func NewID(prefix string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // crypto/rand.Read never fails since Go 1.24
	return prefix + idEncoding.EncodeToString(b[:])
}

// ShortID is the part of an id that goes into AWS names: its last six
// characters. Uniqueness of the name is still checked by AWS, ownership by tag.
func ShortID(id string) string {
	if i := strings.LastIndexByte(id, '_'); i >= 0 {
		id = id[i+1:]
	}
	if len(id) > 6 {
		id = id[len(id)-6:]
	}
	return id
}
