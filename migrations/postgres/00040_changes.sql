-- What a job set out to change of a resource, before AWS is told: a crash must
-- not forget that a change was begun.

-- +goose Up
ALTER TABLE resources ADD COLUMN changing jsonb NOT NULL DEFAULT 'null';
