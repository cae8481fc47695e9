-- One row per date found for an asset: which were there, and which rule picked.
create or replace view v_date_candidates as
select
    library.name as library,          -- name of its library
    asset.rel_path as path,           -- relative to the library's root
    date_candidate.source,            -- tag, file name or mtime it comes from
    date_candidate.text,              -- as it was found
    date_candidate.local_time,        -- wall time; null when the text is no date
    date_candidate.utc_time,          -- UTC; null when no zone is known
    date_candidate.time_zone,         -- IANA name or offset
    date_candidate.rank,              -- the lowest readable one is picked
    date_candidate.asset_id           -- number of the asset
from date_candidate
join asset using (asset_id)
join library using (library_id);
