-- The backends that one batch registered, and the list's filters and pages.

-- +goose Up
ALTER TABLE backends ADD COLUMN batch_id text NOT NULL DEFAULT '';
CREATE INDEX backends_by_batch ON backends (batch_id) WHERE batch_id <> '';
CREATE INDEX backends_newest ON backends (team_id, created_at DESC, id DESC);
CREATE INDEX jobs_queued ON jobs (created_at, id) WHERE state = 'queued';
