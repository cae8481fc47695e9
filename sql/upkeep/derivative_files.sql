-- Files that should be there, relative to the folder of their kind. Grain: one row per asset and kind.
select asset_id, kind, file from derivative
where kind in ('thumbnail', 'large', 'preview_clip', 'gif', 'hls');
