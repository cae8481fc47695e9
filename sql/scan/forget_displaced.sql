-- Assets that were missing, and whose place a moved one has taken: two assets cannot have one path. What people said of
-- them hangs on their content and stays. Sees: displaced (asset_id).
delete from fingerprint using displaced where fingerprint.asset_id = displaced.asset_id;
delete from metadata using displaced where metadata.asset_id = displaced.asset_id;
delete from date_candidate using displaced where date_candidate.asset_id = displaced.asset_id;
delete from derivative using displaced where derivative.asset_id = displaced.asset_id;
delete from failure using displaced where failure.asset_id = displaced.asset_id;
delete from hidden using displaced where hidden.asset_id = displaced.asset_id;
delete from asset using displaced where asset.asset_id = displaced.asset_id;
