-- The same for a path whose accents are composed otherwise (macOS). Grain: one row per spelling.
-- Parameters: $path, $library_id (null: any).
select *
from timeline
where nfc_normalize(path) = nfc_normalize($path) and ($library_id is null or library_id = $library_id)
order by library_id, path;
