// Package migrations holds the schema: one folder per dialect with the same
// numbers, so that version N means the same tables everywhere. Migrations are
// SQL only and never use model types, because those change and old
// migrations must not.
package migrations

import "embed"

// FS holds sqlite/*.sql and postgres/*.sql.
//
//go:embed sqlite/*.sql postgres/*.sql
var FS embed.FS
