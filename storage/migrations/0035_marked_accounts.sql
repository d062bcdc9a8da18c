-- Accounts that are marked since staff reset two-step authentication, until the owner gave password and mail in one journey, and
-- the links of those mails, of which one works per account. Accounts that were reset before are not marked: nobody told their
-- owners of such a mail. A node of the release before neither marks nor asks.
-- +goose Up
ALTER TABLE accounts ADD COLUMN marked_at BIGINT;

CREATE UNIQUE INDEX tickets_after_reset ON tickets (account, platform)
WHERE used_at IS NULL AND voided_at IS NULL AND account <> '' AND purpose = 'after-reset';
