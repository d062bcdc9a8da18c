-- An act that waits and cannot be done now, because of an error, is tried again later: those that are due after it are reached meanwhile.
-- Whose addresses they were is of no use after their end.
-- +goose Up
ALTER TABLE pending_acts ADD COLUMN retry_at BIGINT; -- a node has it until then, or it failed; NULL: nobody tried
CREATE INDEX pending_acts_next ON pending_acts ((COALESCE(retry_at, due_at))) WHERE ended_at IS NULL;
UPDATE pending_acts
SET address = '', email_key = ''
WHERE ended_at IS NOT NULL;
