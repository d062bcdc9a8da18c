-- What somebody did, and what happens rarely, is found in a record of millions.
-- +goose Up
CREATE INDEX events_actor ON events (platform, actor, at);
CREATE INDEX events_kind ON events (platform, kind, at);
