-- Connections to the sign-in of organisations, read as a whole into a cache like parties, and what is known of the people
-- who come by them. Nothing is stored of a visit to an upstream until its answer comes, which is taken once.
-- +goose Up
CREATE TABLE connections (
    platform TEXT NOT NULL REFERENCES platforms (id),
    id       TEXT NOT NULL,
    body     TEXT NOT NULL, -- JSON of federation.Connection
    secret   BYTEA, -- sealed
    own_keys BYTEA, -- sealed
    baseline TEXT NOT NULL DEFAULT '', -- JSON of federation.Baseline
    PRIMARY KEY (platform, id)
);

-- The newest test sign-in of each connection. What it brought is kept for an hour.
CREATE TABLE connection_tests (
    platform    TEXT   NOT NULL,
    connection  TEXT   NOT NULL,
    id          TEXT   NOT NULL,
    result      BYTEA, -- sealed
    made_at     BIGINT NOT NULL,
    ends_at     BIGINT NOT NULL,
    answered_at BIGINT,
    PRIMARY KEY (platform, connection)
);

CREATE INDEX connection_tests_ends ON connection_tests (ends_at);

-- The last good copy of what a connection reads at an address, such as metadata.
CREATE TABLE connection_documents (
    platform   TEXT   NOT NULL,
    connection TEXT   NOT NULL,
    body       BYTEA,
    read_at    BIGINT,
    tried_at   BIGINT NOT NULL,
    trouble    TEXT   NOT NULL DEFAULT '',
    PRIMARY KEY (platform, connection)
);

-- Answers of upstreams, between the request that brought one and the one that shows the browser's cookie.
CREATE TABLE upstream_answers (
    platform       TEXT   NOT NULL,
    state          BYTEA  NOT NULL, -- hash: each visit is answered once
    handle         BYTEA  NOT NULL UNIQUE, -- hash
    answer         BYTEA, -- sealed; goes when it is taken
    answer_ends_at BIGINT NOT NULL,
    ends_at        BIGINT NOT NULL, -- of the visit: nobody answers it later
    taken_at       BIGINT,
    PRIMARY KEY (platform, state)
);

CREATE INDEX upstream_answers_ends ON upstream_answers (ends_at);

-- Who somebody is elsewhere: one account of a platform at a time.
ALTER TABLE credentials ADD COLUMN external TEXT;
CREATE UNIQUE INDEX credentials_external ON credentials (platform, method, external) WHERE external IS NOT NULL AND retired_at IS NULL;

-- Where a session came from, so that it ends with the one there.
ALTER TABLE sessions ADD COLUMN upstream TEXT NOT NULL DEFAULT ''; -- connection
ALTER TABLE sessions ADD COLUMN upstream_subject TEXT NOT NULL DEFAULT '';
ALTER TABLE sessions ADD COLUMN upstream_session TEXT NOT NULL DEFAULT '';
CREATE INDEX sessions_upstream ON sessions (platform, upstream, upstream_subject) WHERE upstream <> '' AND ended_at IS NULL;
