-- Whoever likes a hidden picture likes the kept one. Parameters: $kept (content hash), $hidden (hashes).
insert into favorite by name
select $kept::varchar as content_hash, account_id, added_at
from favorite
where list_contains($hidden::varchar[], content_hash)
    and account_id not in (select account_id from favorite where content_hash = $kept)
qualify row_number() over (partition by account_id order by added_at, content_hash) = 1;
