-- RAWs and whether a JPEG of the same name lies beside them.
select
    raw.library,
    raw.path,
    jpeg.path as jpeg_path,
    raw.size_bytes
from v_assets as raw
left join v_assets as jpeg
    on jpeg.library = raw.library
    and jpeg.mime_type = 'image/jpeg'
    and lower(regexp_replace(jpeg.path, '\.[^./]*$', '')) = lower(regexp_replace(raw.path, '\.[^./]*$', ''))
where raw.media_type = 'raw' and raw.missing_since is null
order by raw.path;
