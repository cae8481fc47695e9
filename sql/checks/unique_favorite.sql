-- The same picture twice among the favourites of an account.
select content_hash, account_id, count(*) as rows from favorite group by all having count(*) > 1;
