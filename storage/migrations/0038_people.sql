-- What staff find people by. The words of names and addresses, folded, as bytes, which sort alike in both databases: the start of a
-- word is a range of them. Where somebody stands in a list by name, and when that and the words were made; accounts of before, and those
-- that a node of the release before writes, are found by the indexes of what is pending and made up for. How far invited people are.
-- When the first form behind a mail's button was sent. Platforms are part of expressions in the indexes of accounts, so that a planner
-- without statistics does not take one of these to find an account by its identifier (see accounts).
-- +goose Up
CREATE TABLE account_words (
    platform TEXT  NOT NULL,
    word     BYTEA NOT NULL,
    account  TEXT  NOT NULL,
    PRIMARY KEY (platform, word, account)
);
CREATE INDEX account_words_account ON account_words (account, word);

ALTER TABLE accounts ADD COLUMN sort_key BYTEA; -- NULL: to be made
ALTER TABLE accounts ADD COLUMN worded_at BIGINT;
CREATE INDEX accounts_unworded ON accounts (id) WHERE worded_at IS NULL;
CREATE INDEX accounts_outdated ON accounts (id) WHERE worded_at < updated_at;
CREATE INDEX accounts_by_name ON accounts ((platform || ' '), sort_key, id);
CREATE INDEX accounts_by_role ON accounts ((platform || ' ' || role), sort_key, id);
CREATE INDEX accounts_by_state ON accounts ((platform || ' ' || state), sort_key, id);

CREATE TABLE invitations (
    account  TEXT   NOT NULL PRIMARY KEY,
    platform TEXT   NOT NULL,
    stage    TEXT   NOT NULL CHECK (stage IN ('made', 'sent', 'refused', 'begun', 'half-way', 'done')),
    at       BIGINT NOT NULL, -- since when
    ends_at  BIGINT           -- when the button stops working; NULL: there is none
);
CREATE INDEX invitations_stage ON invitations (platform, stage, at, account, ends_at);
CREATE INDEX invitations_ending ON invitations (platform, ends_at, account) WHERE stage IN ('made', 'sent', 'begun');

ALTER TABLE tickets ADD COLUMN begun_at BIGINT;
