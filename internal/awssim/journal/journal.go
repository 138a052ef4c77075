// Package journal keeps rows in one append-only file: every line is a JSON
// array of changes that belong together. What Sync has returned for survives
// kill -9. Opening a journal reads it, drops a torn last line, and writes the
// file anew, compacted and atomically.
package journal

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

const fileName = "state.jsonl"

// Change puts a whole row, or deletes it when Value is empty.
type Change struct {
	Kind  string          `json:"k"`
	ID    string          `json:"i"`
	Value json.RawMessage `json:"v,omitempty"`
}

// ErrInUse says that another process has the directory.
var ErrInUse = errors.New("another process uses the directory")

// Journal is an open state file. All methods may be called concurrently.
type Journal struct {
	lock *os.File

	mu      sync.Mutex // held briefly: guards what is queued
	pending bytes.Buffer
	queued  uint64 // lines queued so far

	disk    sync.Mutex // held while writing: guards what is below
	file    *os.File
	written uint64
	broken  error // the first failed write; nothing is written after it
}

// Open locks dir, makes it when it is missing, and returns the rows that are
// in it, ordered by kind and id.
func Open(dir string) (*Journal, []Change, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, nil, fmt.Errorf("make state directory: %w", err)
	}
	lock, err := lockDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("lock state directory %s: %w", dir, err)
	}
	j := &Journal{lock: lock}
	rows, err := j.load(filepath.Join(dir, fileName))
	if err != nil {
		lock.Close()
		return nil, nil, err
	}
	return j, rows, nil
}

func (j *Journal) load(path string) ([]Change, error) {
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read state: %w", err)
	}
	rows, err := replay(raw)
	if err != nil {
		return nil, fmt.Errorf("read state %s: %w", path, err)
	}
	if err := writeAtomically(path, rows); err != nil {
		return nil, fmt.Errorf("compact state: %w", err)
	}
	if j.file, err = os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0o600); err != nil {
		return nil, fmt.Errorf("open state: %w", err)
	}
	return rows, nil
}

// replay folds lines into rows. A last line without its newline was torn by a
// crash before anybody was told that it is safe, so it is dropped.
func replay(raw []byte) ([]Change, error) {
	type key struct{ kind, id string }
	rows := map[key]Change{}
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(raw, []byte{'\n'})
		if !whole {
			break
		}
		raw = rest
		var changes []Change
		if err := json.Unmarshal(line, &changes); err != nil {
			return nil, fmt.Errorf("line %d is damaged: %w", number, err)
		}
		for _, c := range changes {
			if len(c.Value) == 0 {
				delete(rows, key{c.Kind, c.ID})
			} else {
				rows[key{c.Kind, c.ID}] = c
			}
		}
	}
	out := make([]Change, 0, len(rows))
	for _, c := range rows {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b Change) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.ID, b.ID))
	})
	return out, nil
}

func writeAtomically(path string, rows []Change) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), fileName+".*")
	if err != nil {
		return err
	}
	defer os.Remove(tmp.Name()) // gone already after the rename
	w := bufio.NewWriter(tmp)
	for _, c := range rows {
		if err := writeLine(w, []Change{c}); err != nil {
			tmp.Close()
			return err
		}
	}
	err = errors.Join(w.Flush(), tmp.Sync(), tmp.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(tmp.Name(), path); err != nil {
		return err
	}
	return syncDir(filepath.Dir(path))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func writeLine(w io.Writer, changes []Change) error {
	line, err := json.Marshal(changes)
	if err != nil {
		return err
	}
	_, err = w.Write(append(line, '\n'))
	return err
}

// Append queues changes that belong together and returns their number for
// Sync. The order of calls is the order in the file.
func (j *Journal) Append(changes []Change) (uint64, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if err := writeLine(&j.pending, changes); err != nil {
		return 0, fmt.Errorf("encode state: %w", err)
	}
	j.queued++
	return j.queued, nil
}

// Sync returns when everything up to number is on the disk. Callers that
// arrive together share one write.
func (j *Journal) Sync(number uint64) error {
	j.disk.Lock()
	defer j.disk.Unlock()
	if j.broken != nil || j.written >= number {
		return j.broken
	}
	j.mu.Lock()
	batch, upTo := bytes.Clone(j.pending.Bytes()), j.queued
	j.pending.Reset()
	j.mu.Unlock()
	_, err := j.file.Write(batch)
	if err == nil {
		err = j.file.Sync()
	}
	if err != nil {
		j.broken = fmt.Errorf("write state: %w", err)
		return j.broken
	}
	j.written = upTo
	return nil
}

// Close writes what is queued and gives the directory free.
func (j *Journal) Close() error {
	j.mu.Lock()
	upTo := j.queued
	j.mu.Unlock()
	err := j.Sync(upTo)
	j.disk.Lock()
	defer j.disk.Unlock()
	if j.broken == nil {
		j.broken = errors.New("write state: the journal is closed")
	}
	return errors.Join(err, j.file.Close(), j.lock.Close())
}
