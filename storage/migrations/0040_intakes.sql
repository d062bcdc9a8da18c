-- Files of people to invite, between the moment when a helper had one checked and the moment when it is applied, an hour at
-- most: one of a session. What is in them is sealed; of one that was applied it is gone.
-- +goose Up
CREATE TABLE intakes (
    session    TEXT   NOT NULL,
    platform   TEXT   NOT NULL REFERENCES platforms (id),
    id         TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    sealed     BYTEA,
    made_at    BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    applied_at BIGINT,
    invited    BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (session, platform)
);
CREATE INDEX intakes_expiry ON intakes (expires_at);
