-- What settings show of a sign-in, and when a window of a counter began.
-- +goose Up
ALTER TABLE sessions ADD COLUMN agent TEXT NOT NULL DEFAULT '';
ALTER TABLE attempts ADD COLUMN since_at BIGINT;
CREATE INDEX events_account ON events (account, at);
