-- Grain: one row per group.
select cluster_id, model_version, is_ignored, by_user from face_cluster;
