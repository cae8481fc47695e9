-- All names of a person who is deleted mean nobody from now on. Parameters: $person_id.
update person_alias set person_id = null where person_id = $person_id;
