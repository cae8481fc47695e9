-- Files made from the originals of a library, but for those that another library's row names too (streams go by content).
-- Grain: one row per kind and file. Parameters: $library_id.
select distinct derivative.kind, derivative.file
from derivative
join asset using (asset_id)
where asset.library_id = $library_id
    and (derivative.kind, derivative.file) not in (
        select (other.kind, other.file)
        from derivative as other
        join asset as owner on owner.asset_id = other.asset_id
        where owner.library_id <> $library_id and other.kind is not null and other.file is not null
    );
