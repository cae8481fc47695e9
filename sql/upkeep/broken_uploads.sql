-- Temporary files of uploads that scans have seen in libraries. Grain: one row per file.
select library.root_path, skipped_file.rel_path
from skipped_file
join library using (library_id)
where skipped_file.reason = 'hidden' and regexp_matches(skipped_file.rel_path, '(^|/)\.darkroom-[0-9a-f]{16}$');
