-- Grain: one row per library.
select
    library.name as library,
    library.root_path,
    count(asset.asset_id) filter (asset.missing_since is null) as assets,
    count(asset.missing_since) as missing,
    count(damaged.asset_id) filter (asset.missing_since is null) as damaged
from library
left join asset using (library_id)
left join failure as damaged on damaged.asset_id = asset.asset_id and damaged.stage = 'verify'
group by all
order by library.name;
