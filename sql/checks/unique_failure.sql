-- failure rows that share their key.
select asset_id, stage, count(*) as rows from failure group by all having count(*) > 1;
