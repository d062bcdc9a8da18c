-- Whoever looks after an organisation's sign-in asks when it last worked, and what was refused. Events of it name the connection. As
-- in events_kind, what is looked for is one expression; sign-ins by a password are not in the index.
-- +goose Up
ALTER TABLE events ADD COLUMN connection TEXT NOT NULL DEFAULT '';
CREATE INDEX events_connection ON events ((platform || ' ' || connection || ' ' || kind), at) WHERE connection <> '';
