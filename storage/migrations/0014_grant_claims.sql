-- Claims that a party asked by name (OpenID Connect Core 1.0 section 5.5) count for as long as its grant.
-- +goose Up
ALTER TABLE grants ADD COLUMN claims TEXT NOT NULL DEFAULT '{}';
