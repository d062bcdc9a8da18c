-- What people allowed parties that are not the platform's own, until more is asked.
-- +goose Up
CREATE TABLE consents (
    platform TEXT   NOT NULL,
    account  TEXT   NOT NULL REFERENCES accounts (id),
    party    TEXT   NOT NULL,
    scopes   TEXT   NOT NULL,
    journey  TEXT   NOT NULL, -- in which it was given: prompt=consent wants a new one
    given_at BIGINT NOT NULL,
    PRIMARY KEY (platform, account, party)
);
