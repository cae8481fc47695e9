-- metadata rows of no asset.
select asset_id from metadata anti join asset using (asset_id);
