//go:build !unix

package storetest

import (
	"fmt"
	"syscall"
)

func unprivileged(string) (*syscall.SysProcAttr, error) {
	return nil, fmt.Errorf("%w: the throwaway cluster needs a unix socket", errNoPostgres)
}
