-- Grain: one row per library.
select library_id, name, root_path, root_device, root_inode, created_at from library order by library_id;
