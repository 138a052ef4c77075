package webhook

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"drawbridge/internal/model"
)

func ownKey(t *testing.T, path string) *Key {
	t.Helper()
	k, err := OwnKey(path)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// TestKeyIsMadeOnce: however many begin at once, they have one key, and nobody
// else can read it.
func TestKeyIsMadeOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "new", "key")
	ids := make([]string, 8)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() { ids[i] = ownKey(t, path).ID() })
	}
	wg.Wait()
	for _, id := range ids {
		if id != ids[0] || id == "" {
			t.Errorf("keys %v", ids)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files %v (%v)", left, err)
	}
}

func TestSealed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	k, other := ownKey(t, filepath.Join(dir, "a")), ownKey(t, filepath.Join(dir, "b"))
	w := &model.Webhook{ID: "whk_1"}
	secrets := model.WebhookSecrets{URL: "https://x/canary", Secret: "whsec_canary", OldSecret: "old"}
	if err := k.Seal(w, secrets); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(w.Sealed, "canary") || w.KeyID != k.ID() {
		t.Errorf("%+v", w)
	}
	if got, err := k.Open(w); err != nil || got != secrets {
		t.Errorf("opened %+v, %v", got, err)
	}
	anothers := *w
	anothers.ID = "whk_2"
	if _, err := k.Open(&anothers); err == nil {
		t.Error("opened as another's")
	}
	for name, bad := range map[string]*Key{"another key": other, "no key": {}} {
		if _, err := bad.Open(w); model.CodeOf(err) != model.CodeUnavailable || !strings.Contains(err.Error(), "--secret-key-file") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := (&Key{}).Seal(w, secrets); model.CodeOf(err) != model.CodeUnavailable {
		t.Errorf("sealed without a key: %v", err)
	}
}

func TestKeyFiles(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	for _, row := range []struct {
		text string
		good bool
	}{{strings.Repeat("k", 32) + "\n", true}, {"  short  \n" + strings.Repeat(" ", 32), false}, {"", false}} {
		if err := os.WriteFile(path, []byte(row.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadKey(path); (err == nil) != row.good || err != nil && model.CodeOf(err) != model.CodeInvalid {
			t.Errorf("%q: %v", row.text, err)
		}
	}
	if _, err := ReadKey(path + "-absent"); model.CodeOf(err) != model.CodeInvalid {
		t.Errorf("an absent file: %v", err)
	}
}
