-- What was shown in the session that let a device in by a QR code: each grant of its PIN keeps it, as long as it is kept.
-- +goose Up
ALTER TABLE app_devices ADD COLUMN proofs TEXT NOT NULL DEFAULT '{}'; -- JSON of []authn.Proof
