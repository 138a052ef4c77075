-- The newest clean-ups: a page shows which orphans are being deleted.

-- +goose Up
CREATE INDEX jobs_clean_ups ON jobs (created_at, id) WHERE operation = 'clean_up';
