-- One row per library: where it is and what it holds.
create or replace view v_libraries as
select
    library.library_id,                                                     -- number; 1 is the one from BASE_PATH
    library.name,                                                           -- what clients pass as `library`
    library.root_path,                                                      -- absolute folder
    count(asset.asset_id) filter (asset.missing_since is null) as assets,   -- photos, RAWs and videos present
    count(asset.missing_since) as missing,                                  -- seen once, not found by the last full scan
    coalesce(sum(asset.size_bytes) filter (asset.missing_since is null), 0) as size_bytes,  -- bytes of what is present
    library.created_at                                                      -- UTC; when it was first scanned
from library
left join asset using (library_id)
group by all;
