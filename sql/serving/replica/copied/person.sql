-- Grain: one row per person.
select * from person;
