-- People: who they are, how they sign in, and what they may do in which team.

-- +goose Up
ALTER TABLE users ADD COLUMN email text NOT NULL DEFAULT ''; -- lower case
ALTER TABLE users ADD COLUMN password_hash text NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN admin boolean NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN disabled_at bigint NOT NULL DEFAULT 0;
UPDATE users SET admin = TRUE WHERE role = 'admin';
ALTER TABLE users DROP COLUMN role;
CREATE UNIQUE INDEX users_email ON users (email) WHERE email <> '';

CREATE TABLE identities (
    issuer     text NOT NULL,
    subject    text NOT NULL,
    user_id    text NOT NULL REFERENCES users (id),
    created_at bigint NOT NULL,
    PRIMARY KEY (issuer, subject)
);
CREATE INDEX identities_by_user ON identities (user_id);

CREATE TABLE memberships (
    user_id    text NOT NULL REFERENCES users (id),
    team_id    text NOT NULL REFERENCES teams (id),
    role       text NOT NULL,
    by_group   boolean NOT NULL, -- follows the groups that the provider names
    created_at bigint NOT NULL,
    PRIMARY KEY (user_id, team_id)
);
CREATE INDEX memberships_by_team ON memberships (team_id);

CREATE TABLE invitations (
    id         text PRIMARY KEY,
    hash       text NOT NULL UNIQUE,
    team_id    text NOT NULL REFERENCES teams (id),
    email      text NOT NULL,
    role       text NOT NULL,
    created_by text NOT NULL,
    created_at bigint NOT NULL,
    expires_at bigint NOT NULL,
    used_at    bigint NOT NULL DEFAULT 0
);
CREATE INDEX invitations_by_team ON invitations (team_id);

-- What a browser's session (table sessions) points to: ending a row here signs
-- that browser out at its next request.
CREATE TABLE user_sessions (
    id           text PRIMARY KEY,
    user_id      text NOT NULL REFERENCES users (id),
    address      text NOT NULL,
    agent        text NOT NULL,
    created_at   bigint NOT NULL,
    seen_at      bigint NOT NULL,
    confirmed_at bigint NOT NULL
);
CREATE INDEX user_sessions_by_user ON user_sessions (user_id);

-- Tries to sign in, by account and by address, shared by all replicas.
CREATE TABLE sign_in_tries (
    key           text PRIMARY KEY, -- hashed
    tries         bigint NOT NULL,
    last_at       bigint NOT NULL,
    blocked_until bigint NOT NULL
);
CREATE INDEX sign_in_tries_by_age ON sign_in_tries (last_at);

ALTER TABLE api_tokens ADD COLUMN created_by text NOT NULL DEFAULT '';
CREATE INDEX api_tokens_by_maker ON api_tokens (created_by);
