-- What a cluster on the map is shown by. Grain: one row per asset. Parameters: $asset_ids.
select
    asset_id,
    case
        when thumbnail_file is not null
        then '/thumb/' || asset_id || '/' || content_hash || '.jpg?v=' || thumbnail_version
    end as url,
    coalesce(personal_place, concat_ws(', ', city, if(major_city = city, null, major_city))) as town,
    country
from timeline
where asset_id in (select unnest($asset_ids::bigint[]));
