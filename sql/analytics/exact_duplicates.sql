-- Exact duplicates: the same bytes at several places, and what deleting the copies would free.
select
    content_hash,
    count(*) as copies,
    any_value(size_bytes) * (count(*) - 1) as bytes_to_free,
    list(library || '/' || path order by path) as places
from v_assets
where missing_since is null and size_bytes > 0
group by content_hash
having count(*) > 1
order by bytes_to_free desc;
