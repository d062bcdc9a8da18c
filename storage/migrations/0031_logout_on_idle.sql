-- Parties that ask to be told when a session was idle (logout_on_idle), and when a session was last told of so: to such a
-- party it is another session from then on, of which what it is given afterwards says which.
-- +goose Up
ALTER TABLE parties ADD COLUMN logout_on_idle BIGINT NOT NULL DEFAULT 0 CHECK (logout_on_idle IN (0, 1));
ALTER TABLE sessions ADD COLUMN idled_at BIGINT;
ALTER TABLE grants ADD COLUMN idled_at BIGINT;
ALTER TABLE letters ADD COLUMN idled_at BIGINT;
