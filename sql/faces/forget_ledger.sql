-- Failures of pictures that were looked at since, whichever copy they were recorded on. Parameters: $hashes.
delete from failure where stage = 'faces' and file_version in (select unnest($hashes::varchar[]));
