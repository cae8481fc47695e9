-- Where the pictures lie that an entity has to do with. Grain: one row per asset. Parameters: $entity_id, $row_limit.
select file.asset_id, file.library, file.rel_path as path
from entity_photo
join present_file as file using (content_hash)
where entity_photo.entity_id = $entity_id
order by file.asset_id
limit $row_limit;
