-- The outbox: mails and text messages to be sent, and wishes that become one. Whoever takes a letter moves next_at
-- ahead, which keeps the others away while it is being sent, and brings it back when that node dies. Settled rows stay
-- as a record, without what they said.
-- +goose Up
CREATE TABLE letters (
    id         TEXT   NOT NULL PRIMARY KEY,
    platform   TEXT   NOT NULL,
    account    TEXT   NOT NULL,
    kind       TEXT   NOT NULL,
    medium     TEXT   NOT NULL CHECK (medium IN ('mail', 'sms')),
    locale     TEXT   NOT NULL,
    sealed     BYTEA,
    queued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    next_at    BIGINT, -- when it may be tried; NULL: settled
    tries      BIGINT NOT NULL,
    outcome    TEXT   NOT NULL,
    reason     TEXT   NOT NULL,
    settled_at BIGINT
);

CREATE INDEX letters_next ON letters (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX letters_expiry ON letters (expires_at);
CREATE INDEX letters_account ON letters (account);
