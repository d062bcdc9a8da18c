-- A session's end is part of a key, so that on PostgreSQL it waits for a grant that is just being added to the session, and ends
-- it too; without, a code could be redeemed between the two and outlive a deactivation. Raising a session changes no key.
-- +goose Up
CREATE UNIQUE INDEX sessions_ended ON sessions (id, ended_at);
