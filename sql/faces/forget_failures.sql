-- Earlier failures of pictures that were looked at again. Parameters: $hashes.
delete from face_scan
where status = 'failed'
    and not starts_with(model_version, 'regions-')
    and content_hash in (select unnest($hashes::varchar[]));
