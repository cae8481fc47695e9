-- Rating and description of one asset: what a user set, else what the file says. Grain: at most one row.
-- Parameters: $asset_id.
select
    v_assets.rating,
    v_assets.description,
    photo_note.rating is not null as rating_is_set,
    photo_note.description is not null as description_is_set
from v_assets
left join photo_note using (content_hash)
where v_assets.asset_id = $asset_id and v_assets.missing_since is null;
