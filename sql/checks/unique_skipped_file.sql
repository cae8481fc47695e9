-- skipped_file rows that share their key.
select library_id, rel_path, count(*) as rows from skipped_file group by all having count(*) > 1;
