//go:build crashpoints

package store

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"syscall"
)

// crashFileVar names the variable that names a file. While that file says
// "before 7" or "after 7", the process is killed, as by kill -9, at its seventh
// commit since the file said so, on that side of it; with 0 it lives. The
// file's neighbour with the ending .commits gets a byte for each commit that
// was counted. Only binaries for tests are built with the tag crashpoints.
const crashFileVar = "DRAWBRIDGE_CRASH_FILE"

// commits is where every transaction ends.
type commits struct {
	mu    sync.Mutex
	order string // what the file said
	n     int    // commits since
}

func (c *commits) commit(commit func() error) error {
	before, after := c.due()
	if before {
		die()
	}
	err := commit()
	if after {
		die()
	}
	return err
}

// due counts a commit and tells whether the process dies at it.
func (c *commits) due() (before, after bool) {
	path := os.Getenv(crashFileVar)
	order, err := os.ReadFile(path)
	if err != nil {
		return false, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if string(order) != c.order {
		c.order, c.n = string(order), 0
	}
	c.n++
	if f, err := os.OpenFile(path+".commits", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600); err == nil {
		_, _ = f.WriteString(".")
		_ = f.Close()
	}
	side, _, _ := strings.Cut(c.order, " ")
	hit := c.order == fmt.Sprintf("%s %d", side, c.n)
	return hit && side == "before", hit && side == "after"
}

// die does not return.
func die() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {}
}
