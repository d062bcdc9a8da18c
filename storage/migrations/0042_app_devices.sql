-- Devices of mobile apps: one installation each, of one account. What a PIN is checked with is sealed. Tries are counted
-- here before they are compared, one at a time.
-- +goose Up
CREATE TABLE app_devices (
    id             TEXT   NOT NULL PRIMARY KEY,
    platform       TEXT   NOT NULL,
    account        TEXT   NOT NULL REFERENCES accounts (id),
    party          TEXT   NOT NULL,
    jkt            TEXT   NOT NULL,
    name           TEXT   NOT NULL,
    network        TEXT   NOT NULL,
    way            TEXT   NOT NULL,
    level          TEXT   NOT NULL,
    scopes         TEXT   NOT NULL, -- separated by blanks, as on the wire
    claims         TEXT   NOT NULL, -- JSON of grant.Requested
    session        TEXT   NOT NULL DEFAULT '', -- of the newest PIN
    setup_hash     BYTEA  NOT NULL, -- of the token with which the PIN is chosen
    setup_ends_at  BIGINT NOT NULL,
    setup_used_at  BIGINT,
    pin            BYTEA, -- sealed
    pin_set_at     BIGINT,
    tries          BIGINT NOT NULL DEFAULT 0,  -- in a row
    tried          TEXT   NOT NULL DEFAULT '', -- times of those of the last days, separated by blanks
    comparing      TEXT   NOT NULL DEFAULT '', -- the try that is compared now
    comparing_ends BIGINT NOT NULL DEFAULT 0,
    added_at       BIGINT NOT NULL,
    seen_at        BIGINT NOT NULL,
    ended_at       BIGINT,
    end_reason     TEXT   NOT NULL DEFAULT ''
);

CREATE UNIQUE INDEX app_devices_key ON app_devices (platform, party, jkt) WHERE ended_at IS NULL;
CREATE INDEX app_devices_account ON app_devices (account);
CREATE INDEX app_devices_unused ON app_devices (seen_at) WHERE ended_at IS NULL;
CREATE INDEX app_devices_ended ON app_devices (ended_at) WHERE ended_at IS NOT NULL;

-- The device that makes room for the one that comes of a code, as its owner chose.
ALTER TABLE grants ADD COLUMN displaces TEXT NOT NULL DEFAULT '';

-- Tokens of mobile apps are bound to the key of their device from now on: those that are bound to none end.
UPDATE grants
SET ended_at = COALESCE(refreshed_at, code_used_at, started_at), end_reason = 'bound to no key'
WHERE ended_at IS NULL AND dpop_jkt = ''
  AND party IN (SELECT p.id FROM parties AS p WHERE p.platform = grants.platform AND p.body LIKE '%"mobile_app":true%');
