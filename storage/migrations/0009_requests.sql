-- Authorization requests that wait for an answer, each answered at most once.
-- +goose Up
CREATE TABLE requests (
    id          TEXT   NOT NULL PRIMARY KEY,
    platform    TEXT   NOT NULL,
    browser     BYTEA, -- hash of the cookie that binds it; NULL until a browser was seen
    body        TEXT   NOT NULL, -- JSON of grant.AuthRequest
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT NOT NULL,
    answered_at BIGINT
);

CREATE INDEX requests_expiry ON requests (expires_at);
