-- Whether a folder has photos of its own. Grain: one row, above 0 for yes. Parameters: $prefix ('folder/'), $library_id (null: any).
select count(*) from folder
where folder = rtrim($prefix, '/') and ($library_id is null or library_id = $library_id);
