-- Codes and refresh tokens name their grant, which is found by its key: using one changes no indexed column. The grants of
-- an account are those of its sessions.
-- +goose Up
DROP INDEX grants_code;
DROP INDEX grants_refresh;
DROP INDEX grants_previous_refresh;
DROP INDEX grants_account;
