-- Requests that came with an Idempotency-Key, and the answers that they got.
-- caller is a token's or trust's id, without a reference: what it was answered
-- outlives it for a day. worked: something of the request was committed.
-- status 0: not answered yet; whoever has the term may until lease_until.

-- +goose Up
CREATE TABLE idempotency_keys (
    caller      text   NOT NULL,
    key         text   NOT NULL,
    fingerprint text   NOT NULL,
    term        text   NOT NULL,
    lease_until bigint NOT NULL,
    worked      bigint NOT NULL DEFAULT 0,
    status      bigint NOT NULL DEFAULT 0,
    header      text   NOT NULL DEFAULT '{}',
    body        text   NOT NULL DEFAULT '',
    created_at  bigint NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (created_at);
