-- Which decoder or embedded preview each kind of derivative came from.
select kind, layer, tool, tool_version, count(*) as files, median(size_bytes)::bigint as usual_bytes
from v_derivatives
group by all
order by kind, files desc;
