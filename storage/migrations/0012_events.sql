-- The audit record (NEN 7513). Rows are only ever added; no foreign key, because they outlive what they tell of.
-- +goose Up
CREATE TABLE events (
    id        TEXT   NOT NULL PRIMARY KEY,
    platform  TEXT   NOT NULL,
    at        BIGINT NOT NULL,
    place     BIGINT NOT NULL, -- among the events of one transaction, from 0
    kind      TEXT   NOT NULL,
    actor     TEXT   NOT NULL,
    account   TEXT   NOT NULL,
    party     TEXT   NOT NULL,
    session   TEXT   NOT NULL,
    outcome   TEXT   NOT NULL,
    reason    TEXT   NOT NULL,
    address   TEXT   NOT NULL,
    agent     TEXT   NOT NULL,
    reference TEXT   NOT NULL
);

CREATE INDEX events_at ON events (platform, at);
