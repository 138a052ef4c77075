-- What a team may spend a month, in millionths of a dollar. -1: the installation's default.

-- +goose Up
ALTER TABLE team_quotas ADD COLUMN max_monthly_usd bigint NOT NULL DEFAULT -1;
CREATE INDEX jobs_destroys ON jobs (team_id, finished_at) WHERE operation = 'destroy';
