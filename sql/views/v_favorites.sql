-- One row per account and photo, RAW or video that it likes best.
create or replace view v_favorites as
select
    account.name as account,          -- whose favourite it is
    file.library,                     -- name of its library
    file.rel_path as path,            -- relative to the library's root
    favorite.added_at,                -- UTC
    favorite.content_hash,            -- what it hangs on: it survives moves and renames
    file.asset_id                     -- number of the asset
from favorite
join account using (account_id)
join present_file as file using (content_hash);
