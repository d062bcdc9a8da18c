-- A counter counts in a row (failures) and within a window (total, since since_at), and knows whose it is, so that all
-- counters of one address can start again together.
-- +goose Up
ALTER TABLE attempts ADD COLUMN total BIGINT NOT NULL DEFAULT 0;
ALTER TABLE attempts ADD COLUMN owner TEXT NOT NULL DEFAULT '';
CREATE INDEX attempts_owner ON attempts (owner) WHERE owner <> '';
UPDATE attempts SET total = failures, failures = 0 WHERE since_at IS NOT NULL;
