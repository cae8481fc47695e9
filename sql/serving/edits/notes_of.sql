-- What people said of some pictures, best rating first. Grain: one row per picture. Parameters: $hashes.
select *
from photo_note
where list_contains($hashes::varchar[], content_hash)
order by rating desc nulls last, updated_at desc, content_hash;
