-- Which journeys are an account's, and when what was under way for it ended last: deactivation, a reset of two-step
-- authentication and a new password end its journeys. A journey keeps the time that it found, so that one that was being saved
-- meanwhile is told apart whichever comes first, whatever the clocks say. Journeys that are under way get their account with the
-- next form that is sent; one that has none here and knows one is held against the time instead. Staff's two acts are kept a day apart.
-- +goose Up
ALTER TABLE journeys ADD COLUMN account TEXT NOT NULL DEFAULT '';
ALTER TABLE journeys ADD COLUMN account_cut_at BIGINT;

CREATE INDEX journeys_account ON journeys (account) WHERE account <> '';

ALTER TABLE accounts ADD COLUMN cut_at BIGINT;
ALTER TABLE accounts ADD COLUMN address_at BIGINT;       -- staff gave a new address, or it was confirmed
ALTER TABLE accounts ADD COLUMN two_step_reset_at BIGINT; -- by staff
