-- One row per care organisation. Everything else belongs to exactly one of them; an issuer belongs to one only.
-- +goose Up
CREATE TABLE platforms (
    id     TEXT NOT NULL PRIMARY KEY,
    issuer TEXT NOT NULL UNIQUE,
    body   TEXT NOT NULL -- JSON of platform.Platform
);
