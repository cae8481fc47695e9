-- Grain: one row per picture and model.
select content_hash, model_version, status, recorded_at from face_scan;
