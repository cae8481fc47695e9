-- Grain: one row per library.
select
    library.name as library,
    library.root_path,
    count(asset.asset_id) filter (asset.missing_since is null) as assets,
    count(asset.missing_since) as missing
from library
left join asset using (library_id)
group by all
order by library.name;
