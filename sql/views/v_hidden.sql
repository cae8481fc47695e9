-- One row per photo that somebody hid. Nothing is deleted: POST /photos/restore shows it again.
create or replace view v_hidden as
select
    library.name as library,      -- name of its library
    asset.rel_path as path,       -- relative to the library's root
    hidden.reason,                -- user, or duplicate: hidden in favour of another duplicate
    hidden.hidden_by,             -- name of the account
    hidden.hidden_at,             -- UTC
    kept.rel_path as kept_path,   -- duplicate: the one that was kept; while it is missing or changed, this one is shown
    hidden.kept_asset_id,         -- its number
    hidden.asset_id               -- number of the asset
from hidden
join asset using (asset_id)
join library using (library_id)
left join asset as kept on kept.asset_id = hidden.kept_asset_id;
