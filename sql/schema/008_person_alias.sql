-- Names that files still say and nobody here uses any more: of people who were renamed, merged or deleted.

-- Grain: one row per name. Metadata that say it mean this person; a forgotten one is not made again from metadata.
create table person_alias (
    name_key varchar,             -- folded and with single blanks (tasks/faces/record.py, same_name)
    person_id integer,            -- null: forgotten
    recorded_at timestamp
);

-- Libraries' numbers are not given twice either; face_number keeps the last one of every kind.
insert into face_number (kind, last)
select 'library', max(library_id) from library having count(*) > 0;
