-- How often each asset and stage failed. Grain: one row per asset and stage.
select asset_id, stage, attempts from failure;
