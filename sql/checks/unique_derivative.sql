-- derivative rows that share their key.
select asset_id, kind, count(*) as rows from derivative group by all having count(*) > 1;
