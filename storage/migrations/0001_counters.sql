-- Two numbers that belong to no platform: the version of all settings, which tells nodes when to read them again, and the time of the last clean-up. Their row locks let writers of settings, and cleaners, take turns.
-- +goose Up
CREATE TABLE counters (
    name  TEXT   NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);

INSERT INTO counters (name, value) VALUES ('settings', 0), ('cleanup', 0);
