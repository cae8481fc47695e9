-- How many failures the list has, and of how many files. Grain: one row.
select count(*) as failures, count(distinct asset_id) as files from failure semi join timeline using (asset_id);
