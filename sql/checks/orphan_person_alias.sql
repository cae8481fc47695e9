-- Names that mean nobody there is.
select name_key, person_id from person_alias anti join person using (person_id) where person_alias.person_id is not null;
