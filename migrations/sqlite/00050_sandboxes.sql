-- A sandbox is a backend with an end. ending_at: when its end began; gone_at:
-- when nothing of it was left. look_at is when the reaper looks at it again.
-- warned is the shortest warning, in milliseconds before the end, that was sent.

-- +goose Up
CREATE TABLE sandbox_templates (
    id             text   PRIMARY KEY,
    team_id        text   REFERENCES teams (id), -- NULL: every team's
    name           text   NOT NULL,
    description    text   NOT NULL,
    environment_id text   NOT NULL REFERENCES environments (id),
    spec           text   NOT NULL, -- JSON, with placeholders
    parameters     text   NOT NULL, -- JSON
    ttl            bigint NOT NULL, -- milliseconds; 0: the environment's default
    created_by     text   NOT NULL,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL
);
CREATE UNIQUE INDEX sandbox_templates_name ON sandbox_templates (COALESCE(team_id, ''), name);

CREATE TABLE sandboxes (
    backend_id   text   PRIMARY KEY REFERENCES backends (id),
    team_id      text   NOT NULL REFERENCES teams (id),
    key          text   NOT NULL,
    template_id  text   NOT NULL, -- no reference: a template may go before what was made from it
    template     text   NOT NULL,
    branch       text   NOT NULL,
    parameters   text   NOT NULL, -- JSON
    made_by      text   NOT NULL,
    made_by_name text   NOT NULL,
    created_at   bigint NOT NULL,
    ends_at      bigint NOT NULL,
    max_ends_at  bigint NOT NULL,
    warned       bigint NOT NULL,
    ending_at    bigint NOT NULL DEFAULT 0,
    ended_by     text   NOT NULL DEFAULT '',
    gone_at      bigint NOT NULL DEFAULT 0,
    tries        bigint NOT NULL DEFAULT 0,
    problem      text   NOT NULL, -- JSON
    look_at      bigint NOT NULL
);
-- A key names one sandbox while that lives.
CREATE UNIQUE INDEX sandboxes_key ON sandboxes (team_id, key) WHERE ending_at = 0;
CREATE INDEX sandboxes_by_team ON sandboxes (team_id, created_at);
CREATE INDEX sandboxes_look ON sandboxes (look_at) WHERE gone_at = 0;

ALTER TABLE environments ADD COLUMN sandbox_ttl bigint NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN sandbox_max_ttl bigint NOT NULL DEFAULT 0;

ALTER TABLE team_quotas ADD COLUMN max_sandboxes bigint NOT NULL DEFAULT -1;
ALTER TABLE team_quotas ADD COLUMN max_sandboxes_each bigint NOT NULL DEFAULT -1;
