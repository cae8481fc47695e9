-- failure rows of no asset.
select asset_id from failure anti join asset using (asset_id);
