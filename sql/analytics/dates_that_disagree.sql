-- Pictures whose own dates disagree by more than a day: a camera clock that was never set, or an edit.
select library, path, min(local_time) as earliest, max(local_time) as latest, list(distinct source) as sources
from v_date_candidates
where local_time is not null and source <> 'mtime'
group by all
having max(local_time) - min(local_time) > interval 1 day
order by path;
