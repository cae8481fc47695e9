-- Files made from originals. Grain: one row per kind.
select 'thumbnail' as kind, count(thumbnail_file) as derivatives from timeline
union all
select kind, count(*) from derivative semi join timeline using (asset_id) group by kind
order by kind;
