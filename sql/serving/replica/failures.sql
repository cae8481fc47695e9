-- What could not be done, and why. Grain: one row per asset and stage.
select asset_id, stage, file_version, error_class, message from failure;
