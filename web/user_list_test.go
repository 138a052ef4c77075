package web

import (
	"context"
	"net/http"
	"testing"

	"drawbridge/internal/model"
	"drawbridge/internal/store"
)

// TestNobodyLocksThemselvesOut: an admin's own account is another admin's to switch off.
func TestNobodyLocksThemselvesOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.happen(func(ctx context.Context, q *store.Queries) error {
		if err := q.InsertUser(ctx, &model.User{ID: admin.ID, Name: "Rita", Admin: true}); err != nil {
			return err
		}
		return q.InsertUser(ctx, &model.User{ID: "usr_o", Name: "Olga"})
	})
	want(t, s.as(admin, http.MethodGet, pathUsers, nil), http.StatusOK,
		"Switch off: Olga", "Make admin: Olga", "your own", "!Switch off: Rita", "!Admin no longer: Rita")
}
