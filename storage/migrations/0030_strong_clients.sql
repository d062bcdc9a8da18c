-- Parties that prove themselves with keys. What may be used once, by the hash of what names it; it stays until nobody would
-- take it any more. The key that a grant's code, and a public party's refresh tokens, are bound to (RFC 9449). Requests that
-- were pushed (RFC 9126): the browser that brings one gets a request of its own, and the first answer of these uses it up.
-- +goose Up
CREATE TABLE uses (
    platform TEXT   NOT NULL,
    hash     BYTEA  NOT NULL,
    ends_at  BIGINT NOT NULL,
    PRIMARY KEY (platform, hash)
);
CREATE INDEX uses_ends ON uses (ends_at);

CREATE TABLE pushed_requests (
    platform    TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    party       TEXT   NOT NULL,
    body        TEXT   NOT NULL,
    expires_at  BIGINT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (platform, id)
);
CREATE INDEX pushed_requests_party ON pushed_requests (platform, party, expires_at);
CREATE INDEX pushed_requests_expiry ON pushed_requests (expires_at);

ALTER TABLE requests ADD COLUMN pushed TEXT;
ALTER TABLE grants ADD COLUMN dpop_jkt TEXT NOT NULL DEFAULT '';
