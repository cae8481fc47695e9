-- Grain: one row per picture and account.
select content_hash, account_id, added_at from favorite;
