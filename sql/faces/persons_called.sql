-- Who has one of these names, or had it once. Grain: one row per person. Parameters: $keys, folded as `same_name` does.
select person_id
from person
where replace(lower(trim(regexp_replace(name, '\s+', ' ', 'g'))), 'ß', 'ss') in (select unnest($keys::varchar[]))
union
select person_id
from person_alias
where person_id is not null and name_key in (select unnest($keys::varchar[]));
