-- Tags that share their number.
select tag_id, count(*) as rows from tag group by all having count(*) > 1;
