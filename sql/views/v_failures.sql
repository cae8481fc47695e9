-- One row per asset and stage that failed: the dead-letter ledger. `darkroom retry` empties it.
create or replace view v_failures as
select
    library.name as library,      -- name of its library
    asset.rel_path as path,       -- relative to the library's root
    failure.stage,                -- hash, metadata, thumbnail, ...
    failure.error_class,          -- UnsupportedMedia, CorruptMedia, MediaTooLarge, DecoderTimeout, UnreadableFile
    failure.message,              -- what is wrong with the file
    failure.tool,                 -- what tried to read it
    failure.tool_version,         -- a newer one tries again by itself
    failure.attempts,             -- how often it was tried
    failure.failed_at,            -- UTC; the last time
    failure.file_version,         -- content hash (else size and mtime) of the bytes that failed
    failure.run_id,               -- Prefect flow run, or the id of a command-line run
    failure.asset_id              -- number of the asset
from failure
join asset using (asset_id)
join library using (library_id)
where asset.missing_since is null;
