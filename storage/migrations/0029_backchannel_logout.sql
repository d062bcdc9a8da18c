-- Parties that ask to be told when a session ends (backchannel_logout_uri), and letters to them, which name party and
-- session and hold nothing sealed. Sessions whose time is over are ended by a sweep, which tells their parties too.
-- +goose Up
ALTER TABLE parties ADD COLUMN hears_logouts BIGINT NOT NULL DEFAULT 0 CHECK (hears_logouts IN (0, 1));
ALTER TABLE letters ADD COLUMN party TEXT NOT NULL DEFAULT '';
ALTER TABLE letters ADD COLUMN session TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_overdue ON sessions (ends_at) WHERE ended_at IS NULL;
