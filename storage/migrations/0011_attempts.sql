-- Attempts in a row, one row per counter. The key is an HMAC, so that the table names nobody, known or unknown.
-- +goose Up
CREATE TABLE attempts (
    platform      TEXT   NOT NULL,
    key           TEXT   NOT NULL,
    failures      BIGINT NOT NULL,
    last_at       BIGINT NOT NULL,
    blocked_until BIGINT,
    PRIMARY KEY (key, platform)
);

CREATE INDEX attempts_last ON attempts (last_at);
