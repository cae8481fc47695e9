-- Derivatives other than thumbnails, which `timeline` carries. Grain: one row per asset and kind.
select asset_id, content_hash, kind, file from derivative where kind <> 'thumbnail';
