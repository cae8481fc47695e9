-- fingerprint rows that share their key.
select asset_id, count(*) as rows from fingerprint group by all having count(*) > 1;
