-- Files of pictures that have an insight. Grain: one row per library.
select library.name as library, count(written.content_hash) as done
from library
left join present_file as file using (library_id)
left join (
    select distinct content_hash from insight where deleted_at is null
) as written using (content_hash)
group by library.name;
