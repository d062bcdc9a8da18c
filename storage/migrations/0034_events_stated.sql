-- What staff say with an act stands in words of our lists, apart from what the program says of an event. Older events keep what
-- an operator typed in reason.
-- +goose Up
ALTER TABLE events ADD COLUMN stated_reason TEXT NOT NULL DEFAULT '';
ALTER TABLE events ADD COLUMN identified TEXT NOT NULL DEFAULT '';
