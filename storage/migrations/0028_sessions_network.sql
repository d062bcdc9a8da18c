-- Where a session began, so that its owner can tell one browser from another: the network only (IPv4 /24, IPv6 /32), in which
-- no single line can be found. It is on no other page and goes with the session's row. Those from before have none.
-- +goose Up
ALTER TABLE sessions ADD COLUMN network TEXT NOT NULL DEFAULT '';
