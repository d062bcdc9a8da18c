-- Since when a request waits for the first form of its journey, which is stored with that form; NULL from then on. Requests
-- of a node of the release before have a journey from the start, and stay NULL. The index counts those of a platform and
-- finds the oldest.
-- +goose Up
ALTER TABLE requests ADD COLUMN waiting_since BIGINT;

CREATE INDEX requests_waiting ON requests (waiting_since, platform) WHERE waiting_since IS NOT NULL;
