-- The library lies elsewhere now. Parameters: $library_id, $root_path, $device, $inode.
update library
set root_path = $root_path, root_device = $device, root_inode = $inode
where library_id = $library_id;
