-- Directories a full scan did not see. Grain: one row per directory. Parameters: $library_id. Sees: listed (rel_path).
select library_id, rel_path
from directory
anti join listed using (rel_path)
where library_id = $library_id;
