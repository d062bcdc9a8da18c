-- What one sign-in gave one party. Code and refresh tokens are columns, so that using one is one conditional update.
-- No foreign key to the party: it is one row for all its grants, and locking it each time would be felt.
-- +goose Up
CREATE TABLE grants (
    id                    TEXT   NOT NULL PRIMARY KEY,
    platform              TEXT   NOT NULL,
    party                 TEXT   NOT NULL,
    account               TEXT   NOT NULL, -- the session's
    session               TEXT   NOT NULL REFERENCES sessions (id),
    scopes                TEXT   NOT NULL, -- separated by blanks, as on the wire
    offline               BIGINT NOT NULL CHECK (offline IN (0, 1)), -- 1: outlives its session
    nonce                 TEXT   NOT NULL,
    redirect_uri          TEXT   NOT NULL,
    challenge             TEXT   NOT NULL,
    proofs                TEXT   NOT NULL, -- JSON of []authn.Proof, as they were then
    started_at            BIGINT NOT NULL,
    code_hash             BYTEA,
    code_ends_at          BIGINT NOT NULL,
    code_used_at          BIGINT,
    refresh_hash          BYTEA,
    previous_refresh_hash BYTEA,
    refreshed_at          BIGINT,
    refresh_ends_at       BIGINT,
    ends_at               BIGINT NOT NULL,
    ended_at              BIGINT,
    end_reason            TEXT   NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX grants_code ON grants (code_hash) WHERE code_hash IS NOT NULL;
CREATE UNIQUE INDEX grants_refresh ON grants (refresh_hash) WHERE refresh_hash IS NOT NULL;
CREATE UNIQUE INDEX grants_previous_refresh ON grants (previous_refresh_hash) WHERE previous_refresh_hash IS NOT NULL;
CREATE INDEX grants_session ON grants (session);
CREATE INDEX grants_account ON grants (account);
CREATE INDEX grants_end ON grants (ends_at);
CREATE INDEX grants_ended ON grants (ended_at) WHERE ended_at IS NOT NULL;
