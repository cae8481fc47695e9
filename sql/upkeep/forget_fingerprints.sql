-- These files have other bytes: they are read like new ones. Sees: replaced (asset_id).
delete from fingerprint using replaced where fingerprint.asset_id = replaced.asset_id;
