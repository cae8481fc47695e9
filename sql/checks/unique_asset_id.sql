-- Assets that share a number.
select asset_id, count(*) as rows from asset group by all having count(*) > 1;
