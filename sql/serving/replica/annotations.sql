-- What people said of their pictures. Grain: one row per content hash that has a tag, a favourite or a note.
-- Filled in: {only}: '' or a semi join with the content hashes asked for, since grouping half a million tags takes long.
select
    content_hash,
    tagged.tag_ids,
    liked.favorite_of,            -- account_ids
    noted.rating                  -- null: as the file says
from (select content_hash, list(tag_id order by tag_id) as tag_ids from photo_tag {only} group by content_hash) as tagged
full join (
    select content_hash, list(account_id order by account_id) as favorite_of from favorite {only} group by content_hash
) as liked using (content_hash)
full join (select content_hash, rating from photo_note {only}) as noted using (content_hash)
