-- Everything known of one asset. Grain: at most one row. Parameters: $asset_id.
select * from v_assets where asset_id = $asset_id and missing_since is null;
