-- What a library holds. Grain: one row. Parameters: $library_id.
select
    (select count(*) from asset where library_id = $library_id and missing_since is null) as found,
    (select count(*) from skipped_file where library_id = $library_id) as skipped;
