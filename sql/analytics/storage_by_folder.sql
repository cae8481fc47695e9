-- Storage by top folder and type: what fills the disk.
select
    library,
    coalesce(nullif(regexp_extract(path, '^([^/]+)/', 1), ''), '(top)') as folder,
    media_type,
    count(*) as files,
    round(sum(size_bytes) / 1e6, 1) as megabytes
from v_assets
where missing_since is null
group by all
order by megabytes desc;
