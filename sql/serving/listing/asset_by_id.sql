-- One asset of the replica. Grain: at most one row. Parameters: $asset_id.
select * from timeline where asset_id = $asset_id;
