-- Where people are between a request and its answer. No foreign key: every login would lock its platform's row.
-- +goose Up
CREATE TABLE journeys (
    id         TEXT   NOT NULL PRIMARY KEY,
    platform   TEXT   NOT NULL,
    browser    BYTEA, -- hash of the cookie that binds it; compared, never looked up
    body       TEXT   NOT NULL, -- JSON, see storage/journey.go
    version    BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ended_at   BIGINT
);

CREATE INDEX journeys_expiry ON journeys (expires_at);
