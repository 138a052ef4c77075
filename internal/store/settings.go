package store

import "context"

// settingOnce returns the setting's value, and stores value first if there is none.
func (q *Queries) settingOnce(ctx context.Context, key, value string) (string, error) {
	_, err := q.exec(ctx, "insert setting",
		`INSERT INTO settings (key, value) VALUES ($1, $2) ON CONFLICT (key) DO NOTHING`, key, value)
	if err != nil {
		return "", err
	}
	var stored string
	row := q.row(ctx, "read setting", `SELECT value FROM settings WHERE key = $1`, key)
	err = row.Scan(&stored)
	return stored, err
}
