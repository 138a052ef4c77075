-- The audit: what was changed, by whom, from where. Rows are only ever added;
-- each holds the hash of the one before. audit_head is the row that numbers
-- them: whoever appends locks it.

-- +goose Up
CREATE TABLE audit (
    seq         bigint PRIMARY KEY,
    at          bigint NOT NULL,
    actor_kind  text NOT NULL,
    actor_id    text NOT NULL,
    actor_name  text NOT NULL,
    ip          text NOT NULL,
    user_agent  text NOT NULL,
    action      text NOT NULL,
    noun        text NOT NULL,
    target_id   text NOT NULL,
    target_name text NOT NULL,
    team_id     text NOT NULL, -- no reference: the row outlives the team
    job_id      text NOT NULL,
    was         text NOT NULL, -- JSON, as text: the hash is over these very bytes
    became      text NOT NULL, -- JSON
    request_id  text NOT NULL,
    outcome     text NOT NULL,
    prev        text NOT NULL,
    hash        text NOT NULL
);
CREATE INDEX audit_by_team ON audit (team_id, seq);
CREATE INDEX audit_by_actor ON audit (actor_id, seq);
CREATE INDEX audit_by_target ON audit (target_id, seq);

CREATE TABLE audit_head (
    id   bigint PRIMARY KEY CHECK (id = 1),
    seq  bigint NOT NULL,
    hash text NOT NULL
);
INSERT INTO audit_head (id, seq, hash) VALUES (1, 0, '');
