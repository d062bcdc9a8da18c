-- What is given once: links of mails, codes. Found by hash; the platform is compared, and so is the purpose.
-- +goose Up
CREATE TABLE tickets (
    hash       BYTEA  NOT NULL PRIMARY KEY,
    platform   TEXT   NOT NULL,
    purpose    TEXT   NOT NULL,
    account    TEXT   NOT NULL, -- empty: there is none yet
    party      TEXT   NOT NULL,
    sealed     BYTEA,
    issued_at  BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    used_at    BIGINT,
    voided_at  BIGINT
);

CREATE INDEX tickets_account ON tickets (account);
CREATE INDEX tickets_expiry ON tickets (expires_at);
