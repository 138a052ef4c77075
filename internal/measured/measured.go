// Package measured shows what benchmarks measured; tests only.
package measured

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// Show prints the table past the testing package, which cuts long logs of
// benchmarks, and writes rows to FOLDER/<name>.json where BENCH_JSON=FOLDER is set.
func Show(tb testing.TB, name, table string, rows any) {
	tb.Helper()
	fmt.Printf("\n%s\n", table)
	dir := os.Getenv("BENCH_JSON")
	if dir == "" {
		return
	}
	raw, err := json.MarshalIndent(rows, "", "  ")
	if err == nil {
		err = os.MkdirAll(dir, 0o755)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, name+".json"), append(raw, '\n'), 0o644)
	}
	if err != nil {
		tb.Fatal(err)
	}
}
