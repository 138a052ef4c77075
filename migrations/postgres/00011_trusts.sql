-- Whose workloads may act for a team, without a stored secret.

-- +goose Up
CREATE TABLE trusts (
    id         text PRIMARY KEY,
    team_id    text NOT NULL REFERENCES teams (id),
    name       text NOT NULL,
    issuer     text NOT NULL,
    audience   text NOT NULL,
    claims     jsonb NOT NULL, -- JSON: what each claim must be
    role       text NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL
);
CREATE INDEX trusts_by_team ON trusts (team_id);
CREATE INDEX trusts_by_issuer ON trusts (issuer);
