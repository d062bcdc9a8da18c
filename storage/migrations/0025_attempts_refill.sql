-- A counter can be a bucket that refills bit by bit: it knows when it will be full again. Rows from before start full; what they counted in windows still counts there.
-- +goose Up
ALTER TABLE attempts ADD COLUMN full_at BIGINT NOT NULL DEFAULT 0;
