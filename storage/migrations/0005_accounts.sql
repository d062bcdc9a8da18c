-- Who can sign in on a platform. The address is unique there, and its index is partial on purpose: PostgreSQL then
-- does not take a change of address for a change of key, so it never waits for a row that refers to the account.
-- Here and below identifiers are unique everywhere, and indexes leave the platform out: then even a planner without
-- statistics, as on the first day, cannot choose to look through all rows of a platform. Queries name it all the same.
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
