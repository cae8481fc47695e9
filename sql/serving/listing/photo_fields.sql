-- A photo as clients see it, for `struct_pack`. Grain: one per row of `page`: what it is selected from has all columns
-- of `timeline`. Parameters: $asker (account_id, or -1).
    asset_id := page.asset_id,
    library_id := page.library_id,
    library := page.library,
    path := page.path,
    file_name := parse_filename(page.path, false, 'forward_slash'),
    media_type := page.media_type,
    mime_type := page.mime_type,
    size_bytes := page.size_bytes,
    modified_at := strftime(page.modified_at, '%Y-%m-%dT%H:%M:%SZ'),
    content_hash := page.content_hash,
    width := page.width,
    height := page.height,
    taken_at := replace(page.taken_at::varchar, ' ', 'T'),  -- with the fraction, where there is one
    order_at := replace(page.order_at::varchar, ' ', 'T'),
    taken_at_utc := strftime(page.taken_at_utc, '%Y-%m-%dT%H:%M:%SZ'),
    camera_make := page.camera_make,
    camera_model := page.camera_model,
    lens_model := page.lens_model,
    latitude := page.latitude,
    longitude := page.longitude,
    place := case
        when page.country is not null or page.city is not null or page.personal_place is not null  -- most have none
        then nullif(concat_ws(', ', page.personal_place, page.city,
            if(page.major_city in (page.city, page.region), null, page.major_city), page.region, page.country), '')
    end,
    hidden := page.hidden_because,
    duration_s := page.duration_s,
    motion_video := page.motion_video,
    live_video := page.live_video,
    rating := page.rating,
    favorite := coalesce(list_contains(page.favorite_of, $asker), false),
    tag_ids := coalesce(page.tag_ids, []),
    thumbhash := page.thumbhash,
    thumb_url := case
        when page.thumbnail_file is not null
        then '/thumb/' || page.asset_id || '/' || page.content_hash || '.jpg?v=' || page.thumbnail_version
    end,
    clip_url := case
        when coalesce(page.clip_file, page.live_clip_file) is not null
        then '/video/preview?path=' || url_encode(page.path) || '&library=' || page.library_id
            || '&v=' || substr(page.content_hash, 1, 16)
    end,
    stream_url := case
        when page.hls_file is not null then '/video/hls/' || page.content_hash || '/playlist.m3u8'
    end
