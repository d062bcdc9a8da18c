-- What an account can prove itself with. One shape for every factor, so that a new factor needs no migration.
-- +goose Up
CREATE TABLE credentials (
    id           TEXT   NOT NULL PRIMARY KEY,
    platform     TEXT   NOT NULL,
    account      TEXT   NOT NULL REFERENCES accounts (id),
    method       TEXT   NOT NULL,
    used_as      TEXT   NOT NULL CHECK (used_as IN ('primary', 'second', 'recovery')),
    label        TEXT   NOT NULL,
    sealed       BYTEA, -- the factor's own secret, sealed and bound to account, method and id
    counter      BIGINT NOT NULL,
    added_at     BIGINT NOT NULL,
    confirmed_at BIGINT,
    used_at      BIGINT,
    retired_at   BIGINT
);

CREATE INDEX credentials_account ON credentials (account);
