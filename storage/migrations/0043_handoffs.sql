-- Sign-ins on a phone by a QR code. What the code says is kept as a hash, to find it, and sealed, to draw it again; the
-- number that the phone shows is sealed. Both go when they are not needed any more.
-- +goose Up
CREATE TABLE handoffs (
    id             TEXT   NOT NULL PRIMARY KEY,
    platform       TEXT   NOT NULL,
    account        TEXT   NOT NULL REFERENCES accounts (id),
    session        TEXT   NOT NULL, -- in which it was made
    reference_hash BYTEA  NOT NULL UNIQUE,
    reference      BYTEA, -- sealed
    proofs         TEXT   NOT NULL, -- JSON of []authn.Proof
    displaces      TEXT   NOT NULL, -- device that makes room
    made_at        BIGINT NOT NULL,
    ends_at        BIGINT NOT NULL,
    party          TEXT   NOT NULL DEFAULT '',
    jkt            TEXT   NOT NULL DEFAULT '',
    challenge      TEXT   NOT NULL DEFAULT '',
    name           TEXT   NOT NULL DEFAULT '',
    network        TEXT   NOT NULL DEFAULT '',
    nearby         TEXT   NOT NULL DEFAULT '', -- network of one home
    number         BYTEA, -- sealed
    claimed_at     BIGINT,
    numbers        BIGINT NOT NULL DEFAULT 0, -- that were typed
    confirmed_at   BIGINT,
    polled_at      BIGINT,
    poll_after     BIGINT NOT NULL DEFAULT 0, -- milliseconds between two polls
    hurried        BIGINT NOT NULL DEFAULT 0, -- the newest poll came too soon
    ended_at       BIGINT,
    ending         TEXT   NOT NULL DEFAULT ''
);

CREATE INDEX handoffs_account ON handoffs (account);
CREATE INDEX handoffs_ends ON handoffs (ends_at);
