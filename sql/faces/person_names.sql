-- Everybody, ignored or not. Grain: one row per person.
select person_id, name, coalesce(is_ignored, false) as is_ignored from person order by person_id;
