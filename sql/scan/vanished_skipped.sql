-- Skipped files a full scan did not see. Grain: one row per file. Parameters: $library_id. Sees: listing, odd (rel_path).
with
known as (select library_id, rel_path from skipped_file where library_id = $library_id),
present as (select rel_path from listing semi join known using (rel_path))  -- known is small, the listing is not
select known.library_id, known.rel_path
from known
anti join present using (rel_path)
anti join odd using (rel_path);
