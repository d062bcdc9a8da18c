-- A letter may go to an address of another program as well: what "medium" may say is wider. A check cannot be changed
-- in place on SQLite, so the column is filled anew, under the lock that the first statement takes.
-- +goose Up
ALTER TABLE letters RENAME COLUMN medium TO medium_before;
ALTER TABLE letters ADD COLUMN medium TEXT NOT NULL DEFAULT 'mail' CHECK (medium IN ('mail', 'sms', 'url'));
UPDATE letters SET medium = medium_before;
ALTER TABLE letters DROP COLUMN medium_before;
