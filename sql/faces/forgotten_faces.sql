-- Faces that files give a name and nobody has decided on. Grain: one row per face.
select face.*
from face
where face.region_name is not null and face.person_id is null and face.bound_by is null;
