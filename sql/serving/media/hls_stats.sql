-- How far the streams are. Grain: one row. A video is in one of the four states; that of a Live Photo counts too.
select
    count(*) as total,
    count(*) filter (hls_file is not null) as with_playlist,
    count(*) filter (content_hash is not null and hls_file is null and failure.asset_id is null) as pending,
    count(*) filter (hls_file is null and failure.asset_id is not null) as unsupported,
    count(*) filter (content_hash is null) as hashless_videos
from timeline
left join failure
    on failure.asset_id = timeline.asset_id
    and failure.stage = 'hls'
    and failure.file_version = timeline.content_hash
where timeline.media_type = 'video';
