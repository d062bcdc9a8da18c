-- When somebody was last active before a pause of half an hour or longer: what was shown before opens no pages of staff.
-- +goose Up
ALTER TABLE sessions ADD COLUMN left_at BIGINT;
