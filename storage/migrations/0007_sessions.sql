-- Sign-ins, found by the hash of their cookie. Its index is partial by a condition that always holds, so that raising
-- a session, which changes the cookie, never waits for a grant that is being added to it (see accounts).
-- +goose Up
CREATE TABLE sessions (
    id          TEXT   NOT NULL PRIMARY KEY, -- the sid claim
    platform    TEXT   NOT NULL,
    account     TEXT   NOT NULL REFERENCES accounts (id),
    channel     TEXT   NOT NULL CHECK (channel IN ('browser', 'app')),
    cookie_hash BYTEA  NOT NULL,
    proofs      TEXT   NOT NULL, -- JSON of []authn.Proof
    started_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    ended_at    BIGINT
);

CREATE UNIQUE INDEX sessions_cookie ON sessions (cookie_hash) WHERE cookie_hash IS NOT NULL;
CREATE INDEX sessions_account ON sessions (account);
CREATE INDEX sessions_end ON sessions (ends_at);
