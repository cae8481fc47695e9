-- An asset is hidden once, and never in favour of itself.
select asset_id, count(*) as rows from hidden group by all having count(*) > 1
union all
select asset_id, 1 from hidden where kept_asset_id = asset_id;
