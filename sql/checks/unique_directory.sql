-- directory rows that share their key.
select library_id, rel_path, count(*) as rows from directory group by all having count(*) > 1;
