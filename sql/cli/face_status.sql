-- Pictures in which an engine looked for faces. Grain: one row per library.
select
    library.name as library,
    count(distinct file.content_hash) filter (scan.status in ('detected', 'no_faces')) as done,
    count(distinct file.content_hash) filter (scan.status = 'failed') as failed
from library
left join present_file as file using (library_id)
left join face_scan as scan
    on scan.content_hash = file.content_hash and not starts_with(scan.model_version, 'regions-')
group by library.name;
