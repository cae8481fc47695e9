-- Without the vectors, which would be most of the memory. Grain: one row per face.
select
    face_id, content_hash, model_version, x, y, width, height, confidence, source, region_name, person_id, bound_by,
    cluster_id, at_seconds, recorded_at
from face;
