-- date_candidate rows of no asset.
select asset_id from date_candidate anti join asset using (asset_id);
