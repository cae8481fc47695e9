-- One row per file that was seen and is no photo, RAW or video: every file of a library is in here or in v_assets.
create or replace view v_skipped as
select
    library.name as library,          -- name of its library
    skipped_file.rel_path as path,    -- relative to the library's root
    skipped_file.reason,              -- sidecar, hidden, not_media, symlink, special
    skipped_file.size_bytes           -- bytes; stat
from skipped_file
join library using (library_id);
