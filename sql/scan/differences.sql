-- What differs between a listing and the lake, for one library.
-- Grain: one row per path that is new, changed, back, or gone. Parameters: $library_id, $full.
-- is_another_version: a file lies again where one was missing, but not that one; perhaps another was moved there.
-- Sees: listing (tasks/files/walk.py FILE_COLUMNS), unreadable (prefix): what could not be listed, so cannot be called gone.
with
known as (
    select asset_id, rel_path, size_bytes, mtime_ns, sidecar_version, missing_since
    from asset
    where library_id = $library_id
),
compared as materialized (  -- nearly all rows are equal and end here
    select
        coalesce(listing.rel_path, known.rel_path) as rel_path,
        known.asset_id,
        listing.size_bytes,
        listing.mtime_ns,
        listing.sidecar,
        listing.sidecar_version,
        listing.inode,
        listing.ctime_ns,
        case
            when known.asset_id is null then 'new'
            when listing.rel_path is null then 'vanished'
            when known.missing_since is not null then 'restored'
            when known.size_bytes <> listing.size_bytes or known.mtime_ns <> listing.mtime_ns then 'changed'
            else 'sidecar'
        end as difference,
        known.missing_since is not null
            and (known.size_bytes <> listing.size_bytes or known.mtime_ns <> listing.mtime_ns) as is_another_version
    from known
    full join listing using (rel_path)
    where
        known.asset_id is null
        or (listing.rel_path is null and known.missing_since is null and $full)
        or known.size_bytes <> listing.size_bytes
        or known.mtime_ns <> listing.mtime_ns
        or known.sidecar_version <> listing.sidecar_version
        or (listing.rel_path is not null and known.missing_since is not null)
)
select compared.*
from compared
anti join skipped_file
    on skipped_file.library_id = $library_id
    and skipped_file.rel_path = compared.rel_path
    and skipped_file.size_bytes = compared.size_bytes
    and skipped_file.mtime_ns = compared.mtime_ns
    and compared.difference = 'new'
where compared.difference <> 'vanished'
    or not exists (select 1 from unreadable
        where unreadable.prefix = ''
            or compared.rel_path = unreadable.prefix
            or starts_with(compared.rel_path, unreadable.prefix || '/')
    );
