-- Accounts by name. Grain: one row per account that was not removed.
select account_id, name, password_hash, role, token_stamp, created_at, removed_at
from account
where removed_at is null
order by name;
