-- daily_summary rows that share their key.
select contact, day, count(*) as rows from daily_summary group by all having count(*) > 1;
