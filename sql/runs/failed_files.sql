-- Files that a run could not do something with. Grain: one row per asset. Parameters: $run_id.
select distinct asset_id from failure where run_id = $run_id;
