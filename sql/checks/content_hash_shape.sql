-- Content hashes that are none.
select asset_id from fingerprint where not regexp_full_match(content_hash, '[0-9a-f]{64}');
