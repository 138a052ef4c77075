package ctl

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"
)

// maxIDToken limits what is read of an answer with an ID token.
const maxIDToken = 64 << 10

// workloadToken gets an ID token for this run from GitHub Actions, which hands
// them out to jobs with the permission id-token: write. They are good for some
// minutes, so one is asked for anew when the panel refuses the one before.
func workloadToken(panel string) func(context.Context) (string, error) {
	from, bearer := os.Getenv("ACTIONS_ID_TOKEN_REQUEST_URL"), os.Getenv("ACTIONS_ID_TOKEN_REQUEST_TOKEN")
	if from == "" || bearer == "" {
		return nil
	}
	return func(ctx context.Context) (string, error) {
		u, err := url.Parse(from)
		if err != nil {
			return "", errors.New("ACTIONS_ID_TOKEN_REQUEST_URL is no address")
		}
		query := u.Query()
		query.Set("audience", panel)
		u.RawQuery = query.Encode()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return "", fmt.Errorf("ask for an ID token: %w", err)
		}
		req.Header.Set("Authorization", "bearer "+bearer)
		resp, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
		if err != nil {
			return "", fmt.Errorf("ask for an ID token: %w", err)
		}
		defer resp.Body.Close()
		var answer struct{ Value string }
		err = json.NewDecoder(io.LimitReader(resp.Body, maxIDToken)).Decode(&answer)
		if err != nil || answer.Value == "" {
			return "", fmt.Errorf("GitHub hands out no ID token (%s); the job needs permissions: id-token: write", resp.Status)
		}
		return answer.Value, nil
	}
}
