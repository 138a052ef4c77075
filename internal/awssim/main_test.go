package awssim_test

import (
	"testing"

	"go.uber.org/goleak"
)

// Nothing goes on after Close.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
