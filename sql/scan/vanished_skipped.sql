-- Skipped files a full scan did not see. Grain: one row per file. Parameters: $library_id. Sees: listing, odd (rel_path).
select library_id, rel_path
from skipped_file
anti join (select rel_path from listing union all select rel_path from odd) using (rel_path)
where library_id = $library_id;
