-- When Nominatim was asked last. Grain: one row.
select max(asked_at) as asked_at from nominatim_answer;
