-- Keys for scripts, the oldest first. Grain: one row per key that was not revoked.
select key_id, account_id, name, prefix, key_hash, scopes, created_at, expires_at from api_key order by key_id;
