-- What somebody did, and what happens rarely, is found in a record of millions. Platform and actor, or kind, are one expression: without
-- statistics SQLite takes an index of two columns to find hardly less than one of platform and time.
-- +goose Up
CREATE INDEX events_actor ON events ((platform || ' ' || actor), at);
CREATE INDEX events_kind ON events ((platform || ' ' || kind), at);
