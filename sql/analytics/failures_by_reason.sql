-- What could not be read, by stage and reason.
select stage, error_class, message, count(*) as files, min(path) as for_example
from v_failures
group by all
order by files desc;
