-- What is done for the present version of the files that are there. Grain: one row per library.
select
    library.name as library,
    count(file.asset_id) as hash,
    count(metadata.asset_id) as metadata,
    count(thumbnail.asset_id) as thumbnail,
    count(large.asset_id) as large,
    count(preview_clip.asset_id) as preview_clip,
    count(gif.asset_id) as gif,
    count(hls.asset_id) as hls,
    count(place.content_hash) as place,
    count(perceptual_hash.content_hash) as perceptual_hash
from library
left join present_file as file using (library_id)
left join metadata on metadata.asset_id = file.asset_id and metadata.content_hash = file.content_hash
left join derivative as thumbnail
    on thumbnail.asset_id = file.asset_id
    and thumbnail.content_hash = file.content_hash
    and thumbnail.kind = 'thumbnail'
left join derivative as large
    on large.asset_id = file.asset_id
    and large.content_hash = file.content_hash
    and large.kind = 'large'
left join derivative as preview_clip
    on preview_clip.asset_id = file.asset_id
    and preview_clip.content_hash = file.content_hash
    and preview_clip.kind = 'preview_clip'
left join derivative as gif
    on gif.asset_id = file.asset_id
    and gif.content_hash = file.content_hash
    and gif.kind = 'gif'
left join derivative as hls
    on hls.asset_id = file.asset_id
    and hls.content_hash = file.content_hash
    and hls.kind = 'hls'
left join photo_place as place
    on place.content_hash = file.content_hash
    and place.latitude = metadata.latitude
    and place.longitude = metadata.longitude
left join perceptual_hash on perceptual_hash.content_hash = file.content_hash
group by all;
