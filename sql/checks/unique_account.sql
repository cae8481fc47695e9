-- Accounts that share their name, in any case.
select lower(name) as name, count(*) as rows from account where removed_at is null group by all having count(*) > 1;
