-- What teams should hear of, where it is sent, and what became of sending it.
-- Nothing here refers to backends, jobs or webhooks by a foreign key: a notice
-- outlives them, and the transaction that writes one must not fail because a
-- webhook is being deleted. webhooks.sealed: address and secrets, encrypted
-- with the key that key_id names. events: '' = all, else ' a.b c.d '.
-- A delivery is claimed by whoever set term; next_at is when it is due, or
-- when the claim ends.

-- +goose Up
CREATE TABLE notices (
    id         text   PRIMARY KEY,
    team_id    text   NOT NULL REFERENCES teams (id),
    type       text   NOT NULL,
    backend_id text   NOT NULL,
    job_id     text   NOT NULL,
    title      text   NOT NULL,
    text       text   NOT NULL,
    data       text   NOT NULL, -- JSON
    at         bigint NOT NULL
);
CREATE INDEX notices_by_team ON notices (team_id, at);
CREATE INDEX notices_by_backend ON notices (backend_id, at);
CREATE INDEX notices_by_age ON notices (at);

CREATE TABLE webhooks (
    id               text    PRIMARY KEY,
    team_id          text    NOT NULL REFERENCES teams (id),
    name             text    NOT NULL,
    format           text    NOT NULL,
    target           text    NOT NULL,
    events           text    NOT NULL,
    enabled          boolean NOT NULL,
    disabled_why     text    NOT NULL,
    failing_since    bigint  NOT NULL,
    old_secret_until bigint  NOT NULL,
    held_until       bigint  NOT NULL DEFAULT 0,
    created_by       text    NOT NULL,
    created_at       bigint  NOT NULL,
    updated_at       bigint  NOT NULL,
    sealed           text    NOT NULL,
    key_id           text    NOT NULL
);
CREATE UNIQUE INDEX webhooks_name ON webhooks (team_id, name);

CREATE TABLE webhook_deliveries (
    webhook_id text    NOT NULL,
    notice_id  text    NOT NULL,
    type       text    NOT NULL,
    state      text    NOT NULL,
    attempts   bigint  NOT NULL DEFAULT 0,
    tries      bigint  NOT NULL DEFAULT 0, -- failed attempts since it was asked for
    status     bigint  NOT NULL DEFAULT 0,
    error      text    NOT NULL DEFAULT '',
    term       bigint  NOT NULL DEFAULT 0,
    claimed    boolean NOT NULL DEFAULT false,
    next_at    bigint  NOT NULL,
    created_at bigint  NOT NULL,
    ended_at   bigint  NOT NULL DEFAULT 0,
    PRIMARY KEY (webhook_id, notice_id)
);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, next_at) WHERE state = 'pending';
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (webhook_id, created_at);
CREATE INDEX webhook_deliveries_by_notice ON webhook_deliveries (notice_id);

CREATE TABLE webhook_attempts (
    webhook_id text   NOT NULL,
    notice_id  text   NOT NULL,
    number     bigint NOT NULL,
    at         bigint NOT NULL,
    millis     double precision NOT NULL,
    status     bigint NOT NULL,
    error      text   NOT NULL,
    answer     text   NOT NULL,
    PRIMARY KEY (webhook_id, notice_id, number)
);
