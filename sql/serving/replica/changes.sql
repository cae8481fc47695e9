-- What the commits after a snapshot did. Grain: one row per snapshot. Parameters: $known (snapshot id).
select snapshot_id, changes from ducklake_snapshots('lake') where snapshot_id > $known order by snapshot_id;
