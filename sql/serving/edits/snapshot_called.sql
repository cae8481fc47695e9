-- The newest snapshot with a message. Grain: at most one row. Parameters: $message.
select snapshot_id from ducklake_snapshots('lake') where commit_message = $message order by snapshot_id desc limit 1;
