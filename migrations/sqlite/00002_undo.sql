-- What a job made, so that it can be rolled back, and what an environment's
-- newest look for orphans found.

-- +goose Up
ALTER TABLE resources ADD COLUMN made_by text NOT NULL DEFAULT ''; -- the job; '' for what was found or adopted
ALTER TABLE jobs ADD COLUMN undoes text NOT NULL DEFAULT ''; -- the job that this one rolls back
ALTER TABLE jobs ADD COLUMN roll_back_by text NOT NULL DEFAULT ''; -- who asked for a roll back as soon as it ends
ALTER TABLE environments ADD COLUMN orphans bigint NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN orphans_at bigint NOT NULL DEFAULT 0;
