-- Pictures that lie in several places. Grain: one row per content hash, those that waste most first.
-- Filled in: {conditions}. Parameters: $ignored (content hashes).
select content_hash, count(*) as copies, (count(*) - 1) * max(size_bytes) as wasted_bytes
from timeline
semi join (
    select hash(content_hash) as content_key  -- a number is grouped several times as fast as 64 digits
    from timeline
    where content_hash is not null and {conditions}
    group by content_key
    having count(*) > 1
) as several on hash(timeline.content_hash) = several.content_key
where {conditions} and not list_contains($ignored::varchar[], content_hash)
group by content_hash
having count(*) > 1
order by wasted_bytes desc, content_hash
