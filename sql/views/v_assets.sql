-- One row per photo, RAW or video at a place, with everything known of it.
create or replace view v_assets as
with live_photo as (
    -- Stills and videos with the same content identifier in the same folder; the first of several stands for them.
    select
        live.library_id, live.content_id, live.folder,
        min(live.asset_id) filter (live.media_type <> 'video') as still_id,
        min(live.asset_id) filter (live.media_type = 'video') as video_id
    from (
        select
            asset.asset_id,
            asset.library_id,
            metadata.content_id,
            regexp_extract(asset.rel_path, '^(.*/)?') as folder,
            coalesce(fingerprint.media_type, asset.media_type) as media_type
        from asset
        join fingerprint
            on fingerprint.asset_id = asset.asset_id
            and fingerprint.size_bytes = asset.size_bytes
            and fingerprint.mtime_ns = asset.mtime_ns
        join metadata
            on metadata.asset_id = asset.asset_id and metadata.content_hash = fingerprint.content_hash
        where asset.missing_since is null and metadata.content_id is not null
    ) as live
    group by all
    having still_id is not null and video_id is not null
)
select
    asset.asset_id,                                       -- number; kept when the file moves
    library.name as library,                              -- name of its library
    asset.rel_path as path,                               -- relative to the library's root, forward slashes
    regexp_extract(asset.rel_path, '[^/]*$') as file_name,  -- last part of the path
    lower(regexp_extract(asset.rel_path, '\.([^./]+)$', 1)) as extension,  -- lower case, no dot; '' for none
    coalesce(fingerprint.media_type, asset.media_type) as media_type,  -- photo, raw, video: by content, then by name
    coalesce(fingerprint.mime_type, asset.mime_type) as mime_type,  -- by content, then by name
    asset.size_bytes,                                     -- bytes; stat
    make_timestamp(asset.mtime_ns // 1000) as modified_at,  -- UTC; stat
    fingerprint.content_hash,                             -- BLAKE3 of the bytes, hex; null until read
    metadata.width,                                       -- pixels, upright
    metadata.height,                                      -- pixels, upright
    metadata.orientation,                                 -- EXIF 1 to 8 as stored; already applied to every derivative
    metadata.taken_at,                                    -- local wall time, no zone
    metadata.taken_at_utc,                                -- UTC; null when no zone is known
    metadata.time_zone,                                   -- IANA name or offset: OffsetTime*, else from the position
    metadata.taken_at_source,                             -- which candidate of v_date_candidates was picked
    metadata.camera_make,                                 -- EXIF Make
    metadata.camera_model,                                -- EXIF Model
    metadata.lens_model,                                  -- EXIF LensModel, else maker notes or XMP
    metadata.focal_length_mm,                             -- millimetres, not the 35 mm equivalent
    metadata.f_number,                                    -- EXIF FNumber
    metadata.exposure_time_s,                             -- seconds
    metadata.iso,                                         -- EXIF ISO
    metadata.latitude,                                    -- degrees, north positive; null when 0/0 or impossible
    metadata.longitude,                                   -- degrees, east positive
    metadata.altitude_m,                                  -- metres above sea level
    place.country_code,                                   -- ISO 3166-1 alpha-2 of the position
    place.country,                                        -- English name
    place.region,                                         -- state or province
    place.city,                                           -- nearest town
    place.major_city,                                     -- the largest city whose area holds the position
    place.personal_place,                                 -- the user's own name for the place, from Apollo
    coalesce(photo_note.rating, metadata.rating) as rating,  -- 0 to 5, -1 rejected: what a user set, else XMP Rating
    metadata.title,                                       -- XMP or IPTC title
    coalesce(photo_note.description, metadata.description) as description,  -- a user's, else XMP, IPTC or EXIF
    metadata.keywords,                                    -- XMP and IPTC keywords
    metadata.duration_s,                                  -- seconds; video and animations
    metadata.video_codec,                                 -- ffprobe's name
    metadata.audio_codec,                                 -- ffprobe's name
    metadata.frame_rate,                                  -- frames per second, average
    derivative.thumbhash,                                 -- placeholder picture (ThumbHash bytes)
    metadata.motion_video_offset is not null as motion_video,  -- a motion photo: a video is embedded
    metadata.motion_video_offset,                         -- bytes from the start of the file
    metadata.motion_video_bytes,                          -- bytes
    metadata.content_id,                                  -- Live Photo: the same on the still and its video
    live_video.video_id as live_video,                    -- asset_id of the video that belongs to this Live Photo
    live_still.still_id as live_video_of,                 -- asset_id of the still whose Live Photo this video is
    metadata.burst_id,                                    -- the same on every picture of a burst
    metadata.page_count,                                  -- pages, frames or pictures in the file
    asset.sidecar <> '' as has_sidecar,                   -- an XMP file lies beside it
    asset.missing_since,                                  -- UTC; null while the file is there
    asset.first_seen_at,                                  -- UTC; first scan that saw it
    asset.library_id                                      -- number of its library
from asset
join library using (library_id)
left join fingerprint
    on fingerprint.asset_id = asset.asset_id
    and fingerprint.size_bytes = asset.size_bytes
    and fingerprint.mtime_ns = asset.mtime_ns
left join metadata
    on metadata.asset_id = asset.asset_id and metadata.content_hash = fingerprint.content_hash
left join derivative
    on derivative.asset_id = asset.asset_id
    and derivative.content_hash = fingerprint.content_hash
    and derivative.kind = 'thumbnail'
left join photo_note on photo_note.content_hash = fingerprint.content_hash
left join photo_place as place
    on place.content_hash = fingerprint.content_hash
    and place.latitude = metadata.latitude
    and place.longitude = metadata.longitude
left join live_photo as live_video on live_video.still_id = asset.asset_id
left join live_photo as live_still on live_still.video_id = asset.asset_id;
