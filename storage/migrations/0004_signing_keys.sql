-- The signing keys of a platform: published, used, retired and dropped at moments that are planned ahead.
-- +goose Up
CREATE TABLE signing_keys (
    platform  TEXT   NOT NULL REFERENCES platforms (id),
    kid       TEXT   NOT NULL,
    alg       TEXT   NOT NULL,
    public    BYTEA  NOT NULL, -- JWK
    sealed    BYTEA  NOT NULL, -- private key, sealed and bound to platform and kid
    made_at   BIGINT NOT NULL,
    use_at    BIGINT NOT NULL,
    retire_at BIGINT,
    drop_at   BIGINT,
    PRIMARY KEY (platform, kid)
);
