-- When a backend wakes or sleeps next by the schedule in its spec. A row is
-- made from the spec and made anew when that has changed.

-- +goose Up
CREATE TABLE schedules (
    backend_id   text PRIMARY KEY REFERENCES backends (id),
    spec_version bigint NOT NULL, -- that it was made from
    next_at      bigint NOT NULL,
    action       text NOT NULL,   -- 'wake' or 'sleep'
    look_at      bigint NOT NULL  -- next_at, or later while a job holds the backend
);
CREATE INDEX schedules_due ON schedules (look_at);
