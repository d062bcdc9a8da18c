-- Who can sign in on a platform. The address is unique there, and its index is partial on purpose: PostgreSQL then
-- does not take a change of address for a change of key, so it never waits for a row that refers to the account.
-- Here and below identifiers are unique everywhere, and indexes leave the platform out and skip no ended rows: then a
-- planner without statistics, as on the first day, has no index to prefer to the one that finds a single row (tried:
-- it took a partial index of live rows for a table of one row). Queries name the platform all the same.
-- +goose Up
CREATE TABLE accounts (
    id                TEXT   NOT NULL PRIMARY KEY,
    platform          TEXT   NOT NULL REFERENCES platforms (id),
    email             TEXT   NOT NULL,
    email_key         TEXT   NOT NULL,
    email_verified_at BIGINT,
    role              TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('active', 'invited', 'deactivated')),
    locale            TEXT   NOT NULL,
    profile           TEXT   NOT NULL, -- JSON of account.Profile
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT,
    signed_in_at      BIGINT -- last sign-in; writing it makes sign-in and deactivation take turns
);

CREATE UNIQUE INDEX accounts_email ON accounts (email_key, platform) WHERE email_key <> '';
