-- What staff asked for and what waits: for its time, or for a second one who agrees. One row of an account and act is open at a
-- time, and whoever ends it first has it. Rows stay 30 days after their end.
-- Managers are told of it; of a million accounts they are a handful.
-- +goose Up
CREATE TABLE pending_acts (
    id            TEXT   NOT NULL PRIMARY KEY,
    platform      TEXT   NOT NULL,
    act           TEXT   NOT NULL,
    account       TEXT   NOT NULL, -- whom it is done to
    gives         TEXT   NOT NULL, -- role; empty: none
    address       TEXT   NOT NULL, -- new address; empty: none
    email_key     TEXT   NOT NULL, -- address of the account when it was asked for
    asker         TEXT   NOT NULL,
    stated_reason TEXT   NOT NULL,
    identified    TEXT   NOT NULL,
    asked_at      BIGINT NOT NULL,
    due_at        BIGINT NOT NULL,
    ended_at      BIGINT,
    ending        TEXT   NOT NULL DEFAULT '',
    ended_by      TEXT   NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX pending_acts_open ON pending_acts (account, act) WHERE ended_at IS NULL;
CREATE INDEX pending_acts_due ON pending_acts (due_at) WHERE ended_at IS NULL;
CREATE INDEX pending_acts_platform ON pending_acts (platform) WHERE ended_at IS NULL;
CREATE INDEX pending_acts_ended ON pending_acts (ended_at) WHERE ended_at IS NOT NULL;
CREATE INDEX accounts_managers ON accounts (platform) WHERE role = 'manager';
