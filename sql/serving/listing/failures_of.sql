-- Why stages failed on one asset. Grain: one row per stage. Parameters: $asset_id.
select stage, error_class, message from failure where asset_id = $asset_id order by stage;
