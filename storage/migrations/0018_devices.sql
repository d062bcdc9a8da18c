-- Browsers that may go without a code for a while. The cookie names the row and holds a secret that changes at each use:
-- a known row with another secret is a copy.
-- +goose Up
CREATE TABLE devices (
    id            TEXT   NOT NULL PRIMARY KEY,
    platform      TEXT   NOT NULL,
    account       TEXT   NOT NULL REFERENCES accounts (id),
    agent         TEXT   NOT NULL,
    cookie_hash   BYTEA  NOT NULL,
    previous_hash BYTEA,
    rotated_at    BIGINT,
    added_at      BIGINT NOT NULL,
    seen_at       BIGINT NOT NULL,
    ends_at       BIGINT NOT NULL,
    ended_at      BIGINT
);

CREATE INDEX devices_account ON devices (account);
CREATE INDEX devices_end ON devices (ends_at);

ALTER TABLE accounts ADD COLUMN offered_at BIGINT;
ALTER TABLE accounts ADD COLUMN remember_for BIGINT NOT NULL DEFAULT 0; -- milliseconds
