-- Files that are there and whose present bytes were read: what a drain is given and what other statements look up by
-- content hash. Not documented: v_assets is for people. Grain: one row per asset.
create or replace view present_file as
select
    asset.asset_id,
    asset.library_id,
    library.name as library,
    library.root_path,
    asset.rel_path,
    coalesce(fingerprint.media_type, asset.media_type) as media_type,
    coalesce(fingerprint.mime_type, asset.mime_type) as mime_type,
    asset.size_bytes,
    asset.mtime_ns,
    asset.sidecar,
    asset.sidecar_version,
    fingerprint.content_hash
from asset
join library using (library_id)
join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
where asset.missing_since is null;
