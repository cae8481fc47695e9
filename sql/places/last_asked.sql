-- When Nominatim was asked last. Grain: one row.
select greatest((select max(asked_at) from nominatim_answer), (select max(refused_at) from nominatim_refusal)) as asked_at;
