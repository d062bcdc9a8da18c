-- One way of getting codes at a time: of two set-ups at once one is saved.
-- +goose Up
CREATE UNIQUE INDEX credentials_second ON credentials (account) WHERE used_as = 'second' AND retired_at IS NULL;
