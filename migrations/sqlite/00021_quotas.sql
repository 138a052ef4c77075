-- What a team may have at most. No row, or -1: the installation's default.

-- +goose Up
CREATE TABLE team_quotas (
    team_id       text PRIMARY KEY REFERENCES teams (id),
    max_backends  bigint NOT NULL,
    max_instances bigint NOT NULL
);
