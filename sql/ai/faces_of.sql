-- Who is in a photo, from left to right. Grain: one row per face. Parameters: $asset_id.
select coalesce(person, 'nobody yet') as person, round(x, 3) as x, round(y, 3) as y, round(width, 3) as width, source
from v_faces
where asset_id = $asset_id
order by x, face_id;
