-- Another row where hashes were added or pictures taken since. Grain: one row.
select count(*) as hashes, max(recorded_at) as newest from perceptual_hash;
