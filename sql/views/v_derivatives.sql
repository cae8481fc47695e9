-- One row per file made from an original.
create or replace view v_derivatives as
select
    library.name as library,      -- name of its library
    asset.rel_path as path,       -- the original, relative to the library's root
    derivative.kind,              -- thumbnail, large, raw_preview, hls, preview_clip, gif
    derivative.file,              -- relative to the folder of its kind (THUMBNAILS, VIDEO_PATH, ...)
    derivative.width,             -- pixels; of the best rendition
    derivative.height,            -- pixels
    derivative.size_bytes,        -- bytes; of all its files
    derivative.layer,             -- which decoder or embedded preview it came from
    derivative.warning,           -- what was wrong with the original, where it could be shown all the same
    derivative.recipe,            -- size, quality and code version it was made with
    derivative.tool,              -- program or library
    derivative.tool_version,      -- its version
    derivative.content_hash,      -- BLAKE3 of the original it was made from
    derivative.run_id,            -- Prefect flow run, or the id of a command-line run
    derivative.recorded_at as made_at,  -- UTC
    derivative.asset_id           -- number of the asset
from derivative
join asset using (asset_id)
join library using (library_id);
