-- The folders directly inside one, with all that is below them. Grain: one row per library and sub-folder.
-- Parameters: $prefix ('' or 'folder/'), $library_id (null: all).
select
    below.library_id,
    library.name as library,
    $prefix || below.name as path,
    below.name,
    below.photos as count,
    cover.asset_id as cover_asset_id,
    case
        when cover.thumbnail_file is not null
        then '/thumb/' || cover.asset_id || '/' || cover.content_hash || '.jpg?v=' || cover.thumbnail_version
    end as cover_url,
    cover.thumbhash as cover_thumbhash
from (
    select
        library_id,
        regexp_extract(substr(folder, length($prefix) + 1), '^[^/]*') as name,
        sum(photos)::bigint as photos,
        arg_max(cover_id, newest_at) as cover_id
    from folder
    where starts_with(folder, $prefix)
        and folder <> ''
        and ($library_id is null or library_id = $library_id)
    group by all
) as below
join library on library.library_id = below.library_id
left join timeline as cover on cover.asset_id = below.cover_id
order by below.name, below.library_id
limit 10000;
