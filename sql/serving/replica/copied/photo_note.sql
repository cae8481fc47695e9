-- Grain: one row per picture that somebody rated or described.
select content_hash, rating, description from photo_note;
