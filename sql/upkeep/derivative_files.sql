-- Files that should be under THUMBNAILS. Grain: one row per asset and kind.
select asset_id, kind, file from derivative where kind in ('thumbnail', 'large');
