-- Remember which directory the root was. Parameters: $library_id, $device, $inode.
update library set root_device = $device, root_inode = $inode where library_id = $library_id;
