-- Times are unix milliseconds, 0 for "not yet". JSON is text here and jsonb on
-- PostgreSQL. Ids are text with a prefix that names the noun.

-- +goose Up
CREATE TABLE settings (
    key   text PRIMARY KEY,
    value text NOT NULL
);

CREATE TABLE teams (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    created_at bigint NOT NULL
);

CREATE TABLE users (
    id         text PRIMARY KEY,
    name       text NOT NULL UNIQUE,
    role       text NOT NULL,
    created_at bigint NOT NULL
);

CREATE TABLE sessions (
    token      text PRIMARY KEY, -- hashed
    data       blob NOT NULL,
    expires_at bigint NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_at);

CREATE TABLE sign_in_links (
    hash       text PRIMARY KEY,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at    bigint NOT NULL DEFAULT 0
);

CREATE TABLE api_tokens (
    id           text PRIMARY KEY,
    team_id      text REFERENCES teams (id), -- NULL: an admin's, for every team
    name         text NOT NULL,
    role         text NOT NULL,
    hash         text NOT NULL UNIQUE,
    created_at   bigint NOT NULL,
    expires_at   bigint NOT NULL,
    last_used_at bigint NOT NULL DEFAULT 0
);
CREATE INDEX api_tokens_by_team ON api_tokens (team_id);

CREATE TABLE environments (
    id          text PRIMARY KEY,
    name        text NOT NULL UNIQUE,
    description text NOT NULL,
    region      text NOT NULL,
    vpc_id      text NOT NULL,
    subnet_ids  text NOT NULL, -- JSON
    endpoint    text NOT NULL,
    credentials text NOT NULL,
    role_arn    text NOT NULL,
    external_id text NOT NULL,
    created_at  bigint NOT NULL,
    updated_at  bigint NOT NULL
);

CREATE TABLE backends (
    id             text PRIMARY KEY,
    team_id        text NOT NULL REFERENCES teams (id),
    environment_id text NOT NULL REFERENCES environments (id),
    name           text NOT NULL,
    spec           text NOT NULL, -- JSON
    spec_version   bigint NOT NULL,
    phase          text NOT NULL,
    invoke_url     text NOT NULL,
    active_job_id  text NOT NULL, -- no reference: the job refers to the backend
    event_seq      bigint NOT NULL DEFAULT 0,
    created_at     bigint NOT NULL,
    updated_at     bigint NOT NULL
);
-- A destroyed backend is kept for its history and gives its name free.
CREATE UNIQUE INDEX backends_name ON backends (team_id, name) WHERE phase <> 'destroyed';
CREATE INDEX backends_by_environment ON backends (environment_id);

CREATE TABLE resources (
    backend_id text NOT NULL REFERENCES backends (id),
    key        text NOT NULL,
    kind       text NOT NULL,
    title      text NOT NULL,
    position   bigint NOT NULL,
    name       text NOT NULL,
    aws_id     text NOT NULL,
    outputs    text NOT NULL, -- JSON
    ownership  text NOT NULL,
    state      text NOT NULL,
    detail     text NOT NULL,
    params     text NOT NULL, -- JSON
    needs      text NOT NULL, -- JSON
    created_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    PRIMARY KEY (backend_id, key)
);

CREATE TABLE jobs (
    id                  text PRIMARY KEY,
    backend_id          text NOT NULL REFERENCES backends (id),
    team_id             text NOT NULL REFERENCES teams (id),
    operation           text NOT NULL,
    state               text NOT NULL,
    why                 text NOT NULL,
    plan                text NOT NULL, -- JSON
    problem             text NOT NULL, -- JSON
    actor               text NOT NULL,
    attempt             bigint NOT NULL,
    failures            bigint NOT NULL, -- tries in a row that ended in an error
    cancel_requested_at bigint NOT NULL,
    run_after           bigint NOT NULL,
    created_at          bigint NOT NULL,
    started_at          bigint NOT NULL,
    finished_at         bigint NOT NULL,
    lease_holder        text NOT NULL DEFAULT '',
    lease_term          bigint NOT NULL DEFAULT 0,
    lease_expires       bigint NOT NULL DEFAULT 0
);
CREATE INDEX jobs_by_backend ON jobs (backend_id, created_at);
-- At most one job at a time holds a backend. It also serves the claim.
CREATE UNIQUE INDEX jobs_active ON jobs (backend_id) WHERE state IN ('queued', 'running', 'waiting');

CREATE TABLE job_steps (
    job_id      text NOT NULL REFERENCES jobs (id),
    key         text NOT NULL,
    kind        text NOT NULL,
    action      text NOT NULL,
    title       text NOT NULL,
    position    bigint NOT NULL,
    state       text NOT NULL,
    why         text NOT NULL,
    aws_id      text NOT NULL,
    request_ids text NOT NULL, -- JSON
    problem     text NOT NULL, -- JSON
    attempt     bigint NOT NULL,
    started_at  bigint NOT NULL,
    finished_at bigint NOT NULL,
    PRIMARY KEY (job_id, key)
);
CREATE INDEX job_steps_done ON job_steps (kind, action, finished_at) WHERE state = 'done';

CREATE TABLE events (
    backend_id text NOT NULL REFERENCES backends (id),
    seq        bigint NOT NULL,
    type       text NOT NULL,
    job_id     text NOT NULL,
    key        text NOT NULL,
    data       text NOT NULL, -- JSON
    at         bigint NOT NULL,
    PRIMARY KEY (backend_id, seq)
);

CREATE TABLE test_runs (
    id         text PRIMARY KEY,
    backend_id text NOT NULL REFERENCES backends (id),
    name       text NOT NULL,
    method     text NOT NULL,
    url        text NOT NULL,
    passed     boolean NOT NULL,
    reason     text NOT NULL,
    status     bigint NOT NULL,
    proto      text NOT NULL,
    millis     double precision NOT NULL,
    headers    text NOT NULL, -- JSON
    body       text NOT NULL,
    truncated  boolean NOT NULL,
    actor      text NOT NULL,
    at         bigint NOT NULL
);
CREATE INDEX test_runs_by_backend ON test_runs (backend_id, at);
