-- fingerprint rows of no asset.
select asset_id from fingerprint anti join asset using (asset_id);
