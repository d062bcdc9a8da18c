-- Which account a pairwise party means by a `sub`, which cannot be computed back. Public subjects are the account's own.
-- +goose Up
CREATE TABLE subjects (
    platform TEXT NOT NULL,
    sector   TEXT NOT NULL,
    sub      TEXT NOT NULL,
    account  TEXT NOT NULL,
    PRIMARY KEY (platform, sector, sub)
);

CREATE INDEX subjects_account ON subjects (account);
