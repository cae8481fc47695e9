-- derivative rows of no asset.
select asset_id from derivative anti join asset using (asset_id);
