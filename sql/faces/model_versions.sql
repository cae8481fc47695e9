-- The models that faces were recognised with. Grain: one row per version.
select model_version, count(*) as faces from face_embedding group by all order by model_version;
