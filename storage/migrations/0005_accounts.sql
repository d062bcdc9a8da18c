-- Who can sign in on a platform. The address is unique there, and its index is partial on purpose: PostgreSQL then
-- does not take a change of address for a change of key, so it never waits for a row that refers to the account.
-- +goose Up
CREATE TABLE accounts (
    platform          TEXT   NOT NULL REFERENCES platforms (id),
    id                TEXT   NOT NULL,
    email             TEXT   NOT NULL,
    email_key         TEXT   NOT NULL,
    email_verified_at BIGINT,
    role              TEXT   NOT NULL,
    state             TEXT   NOT NULL CHECK (state IN ('active', 'invited', 'deactivated')),
    locale            TEXT   NOT NULL,
    profile           TEXT   NOT NULL, -- JSON of account.Profile
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT,
    signed_in_at      BIGINT, -- last sign-in; writing it makes sign-in and deactivation take turns
    PRIMARY KEY (platform, id)
);

CREATE UNIQUE INDEX accounts_email ON accounts (platform, email_key) WHERE email_key <> '';
