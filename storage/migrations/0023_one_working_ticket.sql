-- One link of each kind works per account. Older ones that still work are voided as of the newest, and welcome links of
-- accounts that have a password. Codes are many at a time, and who confirms an address has no account yet. A node of the release
-- before that issues beside another one may fail at this index, and its outbox tries again.
-- The first index is there to find them, and on PostgreSQL to keep nodes that run from issuing another one meanwhile: nothing
-- is written to the table from here to the end of the step.
-- +goose Up
CREATE INDEX tickets_of_kind ON tickets (account, purpose)
WHERE used_at IS NULL AND voided_at IS NULL AND account <> '';

UPDATE tickets
SET voided_at = issued_at
WHERE used_at IS NULL AND voided_at IS NULL AND purpose = 'welcome'
  AND account IN (SELECT id FROM accounts WHERE state <> 'invited');

UPDATE tickets
SET voided_at = (
    SELECT MAX(n.issued_at)
    FROM tickets AS n
    WHERE n.account = tickets.account AND n.platform = tickets.platform AND n.purpose = tickets.purpose
      AND n.used_at IS NULL AND n.voided_at IS NULL)
WHERE used_at IS NULL AND voided_at IS NULL AND account <> '' AND purpose IN ('welcome', 'reset', 'unblock', 'email', 'freeze')
  AND EXISTS (
    SELECT 1
    FROM tickets AS n
    WHERE n.account = tickets.account AND n.platform = tickets.platform AND n.purpose = tickets.purpose
      AND n.used_at IS NULL AND n.voided_at IS NULL
      AND (n.issued_at > tickets.issued_at OR n.issued_at = tickets.issued_at AND n.hash > tickets.hash));

CREATE UNIQUE INDEX tickets_working ON tickets (account, purpose, platform)
WHERE used_at IS NULL AND voided_at IS NULL AND account <> '' AND purpose IN ('welcome', 'reset', 'unblock', 'email', 'freeze');

DROP INDEX tickets_of_kind;
