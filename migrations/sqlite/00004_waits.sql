-- How long AWS is at work on a step: the process learns from it when to look.

-- +goose Up
ALTER TABLE job_steps ADD COLUMN waiting_since bigint NOT NULL DEFAULT 0;
ALTER TABLE job_steps ADD COLUMN expected_at bigint NOT NULL DEFAULT 0;

-- +goose Down
ALTER TABLE job_steps DROP COLUMN expected_at;
ALTER TABLE job_steps DROP COLUMN waiting_since;
