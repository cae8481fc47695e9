-- Tokens that were logged out. Grain: one row per token.
select token_id, account_id, expires_at from revoked_token;
