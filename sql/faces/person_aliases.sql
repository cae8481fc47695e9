-- Names people once had. Grain: one row per name. Parameters: $keys.
select name_key, person_id from person_alias where name_key in (select unnest($keys::varchar[]));
