// Package webhook sends notices to the addresses that teams named: it seals
// their addresses and secrets, makes and signs messages, sends them by the
// guarded client, and works through what is due until it was taken or is given
// up. See docs/webhooks.md and docs/adr/0020-webhooks-are-sent-from-a-table.md.
package webhook

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"drawbridge/internal/model"
)

// keySize is how many bytes a key has, and the least that a file must hold.
const keySize = 32

// Key seals what must be usable and told to nobody. The zero Key, of a server
// that has none, says so.
type Key struct {
	id   string
	aead cipher.AEAD
}

// ReadKey reads an installation's key from a file that an operator keeps.
func ReadKey(path string) (*Key, error) {
	raw, err := os.ReadFile(path)
	if err == nil && len(strings.TrimSpace(string(raw))) < keySize {
		err = fmt.Errorf("it holds less than %d bytes", keySize)
	}
	if err != nil {
		return nil, &model.Error{Code: model.CodeInvalid, Err: err, Message: fmt.Sprintf(
			"The file %s of --secret-key-file cannot be used. Make one with: head -c 32 /dev/urandom | base64 > FILE", path)}
	}
	return newKey([]byte(strings.TrimSpace(string(raw))))
}

// OwnKey reads the key from the file, and makes it when there is none.
func OwnKey(path string) (*Key, error) {
	if err := makeKey(path); err != nil {
		return nil, &model.Error{Code: model.CodeUnavailable, Err: err, Message: fmt.Sprintf("The key %s cannot be made", path)}
	}
	return ReadKey(path)
}

// makeKey makes a whole file or none: one that was half written would be
// another key after a crash.
func makeKey(path string) error {
	if _, err := os.Stat(path); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	var key [keySize]byte
	_, _ = rand.Read(key[:])                             // never fails since Go 1.24
	f, err := os.CreateTemp(filepath.Dir(path), ".key-") // for the owner only
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }()
	_, err = f.WriteString(base64.StdEncoding.EncodeToString(key[:]) + "\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// Unlike a rename, a link never takes the place of a key that another process has just made.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}

func newKey(material []byte) (*Key, error) {
	id, err := hkdf.Key(sha256.New, material, nil, "drawbridge: name of the key of webhooks", 8)
	if err != nil {
		return nil, fmt.Errorf("derive the key's name: %w", err)
	}
	key, err := hkdf.Key(sha256.New, material, nil, "drawbridge: secrets of webhooks", keySize)
	if err != nil {
		return nil, fmt.Errorf("derive the key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make the cipher: %w", err)
	}
	return &Key{id: hex.EncodeToString(id), aead: aead}, nil
}

// ID names the key; it tells nothing of it. "" when there is none.
func (k *Key) ID() string { return k.id }

// Seal puts the secrets into the webhook, which must have its id: they cannot
// be opened as another's.
func (k *Key) Seal(w *model.Webhook, s model.WebhookSecrets) error {
	if k.aead == nil {
		return model.Errorf(model.CodeUnavailable, "This server has no key to keep a webhook's secrets with. Give it one with --secret-key-file; its log says why it could not make its own.")
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("seal webhook %s: %w", w.ID, err)
	}
	w.Sealed, w.KeyID = base64.StdEncoding.EncodeToString(k.aead.Seal(nil, nil, text, []byte(w.ID))), k.id
	return nil
}

// Open returns what Seal put there.
func (k *Key) Open(w *model.Webhook) (model.WebhookSecrets, error) {
	var s model.WebhookSecrets
	if k.aead == nil || w.KeyID != k.id {
		return s, model.Errorf(model.CodeUnavailable,
			"This webhook was made with another key than this server has, so its secrets cannot be read here. Give every server the same --secret-key-file, or delete the webhook and make it again.")
	}
	sealed, err := base64.StdEncoding.DecodeString(w.Sealed)
	if err == nil {
		sealed, err = k.aead.Open(nil, nil, sealed, []byte(w.ID))
	}
	if err == nil {
		err = json.Unmarshal(sealed, &s)
	}
	if err != nil {
		return s, fmt.Errorf("open webhook %s: %w", w.ID, err)
	}
	return s, nil
}
