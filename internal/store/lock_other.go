//go:build !(darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd)

package store

import (
	"errors"
	"io/fs"
	"os"

	"drawbridge/internal/model"
)

// lockFile takes the lock of the database at path for this process. Without
// flock it leans on Windows, which refuses to remove a file that is open.
func lockFile(path string) (*os.File, error) {
	if err := os.Remove(path + ".lock"); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, errInUse(path, "")
	}
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return nil, model.Errorf(model.CodeUnavailable, "The lock file %s.lock cannot be made. Choose another --data-dir, or mend its permissions: %w", path, err)
	}
	return f, nil
}
