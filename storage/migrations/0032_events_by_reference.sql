-- The number that somebody reads to the helpdesk finds what is on record of it. Events of nobody's request have none.
-- +goose Up
CREATE INDEX events_reference ON events (reference) WHERE reference <> '';
