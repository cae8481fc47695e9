-- The asset at a place, also one that is missing. Grain: at most one row. Parameters: $library_id, $rel_path.
select asset_id from asset where library_id = $library_id and rel_path = $rel_path;
