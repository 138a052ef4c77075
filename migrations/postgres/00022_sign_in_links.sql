-- Whom a one-time link signs in; '': the first admin, while no admin can sign in by themselves.

-- +goose Up
ALTER TABLE sign_in_links ADD COLUMN user_id text NOT NULL DEFAULT '';
