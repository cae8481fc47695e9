-- Accounts by name. Grain: one row per account.
select account_id, name, password_hash, created_at from account order by name;
