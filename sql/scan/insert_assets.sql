-- Add the newcomers that no other scan has added meanwhile. Parameters: $first_id, $now. Sees: newcomer.
insert into asset by name
select
    $first_id + row_number() over (order by newcomer.rel_path) - 1 as asset_id,
    newcomer.*,
    $now::timestamp as first_seen_at
from newcomer
anti join asset using (library_id, rel_path);
