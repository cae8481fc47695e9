-- Parameters: $library_id, $new_name.
update library set name = $new_name where library_id = $library_id;
