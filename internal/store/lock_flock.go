//go:build darwin || dragonfly || freebsd || illumos || linux || netbsd || openbsd

package store

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"syscall"

	"drawbridge/internal/model"
)

// lockFile takes the lock of the database at path for this process: one
// process owns a SQLite file, which is why it may free all leases at start.
// The kernel gives the lock back when the process ends, however it ends.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, model.Errorf(model.CodeUnavailable, "The lock file %s.lock cannot be opened. Choose another --data-dir, or mend its permissions: %w", path, err)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		holder, _ := os.ReadFile(path + ".lock") // for the text alone
		return nil, errors.Join(errInUse(path, strings.TrimSpace(string(holder))), f.Close())
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	if err != nil {
		cause := model.Errorf(model.CodeUnavailable, "The lock file %s.lock cannot be locked and written. Choose another --data-dir on a local disk: %w", path, err)
		return nil, errors.Join(cause, f.Close())
	}
	return f, nil
}
