-- Keys of accounts that are gone.
select api_key.key_id from api_key anti join account on account.account_id = api_key.account_id and account.removed_at is null;
