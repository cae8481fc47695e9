-- Configured roots. Grain: one row per library.
select library_id, name, root_path from library order by library_id;
