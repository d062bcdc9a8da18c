-- The OAuth clients of a platform, read as a whole into a cache; that is why only their key is a column.
-- +goose Up
CREATE TABLE parties (
    platform TEXT NOT NULL REFERENCES platforms (id),
    id       TEXT NOT NULL,
    body     TEXT NOT NULL, -- JSON of grant.Party; secrets are SHA-256
    PRIMARY KEY (platform, id)
);
