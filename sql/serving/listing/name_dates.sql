-- What the file name says of the date. Grain: one row per candidate. Parameters: $asset_id.
select local_time from v_date_candidates where asset_id = $asset_id and source = 'filename' and local_time is not null
order by rank;
