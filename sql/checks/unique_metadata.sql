-- metadata rows that share their key.
select asset_id, count(*) as rows from metadata group by all having count(*) > 1;
