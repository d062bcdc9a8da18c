-- An account has one link to a connection at a time: of two journeys that link it to two people there, one does. Where an
-- account has two already, the older one stays, and the other is removed as of the moment when it was made.
-- +goose Up
ALTER TABLE credentials ADD COLUMN connection TEXT; -- the one in external; NULL: the credential is no link

UPDATE credentials
SET connection = (
    SELECT c.id
    FROM connections AS c
    WHERE c.platform = credentials.platform AND c.id || '/' = SUBSTR(credentials.external, 1, LENGTH(c.id) + 1))
WHERE external IS NOT NULL;

UPDATE credentials
SET retired_at = added_at
WHERE connection IS NOT NULL AND retired_at IS NULL
  AND EXISTS (
    SELECT 1
    FROM credentials AS o
    WHERE o.platform = credentials.platform AND o.account = credentials.account AND o.connection = credentials.connection
      AND o.retired_at IS NULL
      AND (o.added_at < credentials.added_at OR o.added_at = credentials.added_at AND o.id < credentials.id));

CREATE UNIQUE INDEX credentials_connection ON credentials (platform, account, connection)
WHERE connection IS NOT NULL AND retired_at IS NULL;
