-- One row per account and photo, RAW or video that it likes best.
create or replace view v_favorites as
select
    account.name as account,          -- whose favourite it is
    library.name as library,          -- name of its library
    asset.rel_path as path,           -- relative to the library's root
    favorite.added_at,                -- UTC
    favorite.content_hash,            -- what it hangs on: it survives moves and renames
    asset.asset_id                    -- number of the asset
from favorite
join account using (account_id)
join fingerprint using (content_hash)
join asset
    on asset.asset_id = fingerprint.asset_id
    and asset.size_bytes = fingerprint.size_bytes
    and asset.mtime_ns = fingerprint.mtime_ns
join library using (library_id)
where asset.missing_since is null;
