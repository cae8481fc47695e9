-- Where the pictures lie that an entity has to do with. Grain: one row per asset. Parameters: $entity_id, $row_limit.
select asset.asset_id, library.name as library, asset.rel_path as path
from entity_photo
join fingerprint using (content_hash)
join asset
    on asset.asset_id = fingerprint.asset_id
    and asset.size_bytes = fingerprint.size_bytes
    and asset.mtime_ns = fingerprint.mtime_ns
join library using (library_id)
where entity_photo.entity_id = $entity_id and asset.missing_since is null
order by asset.asset_id
limit $row_limit;
