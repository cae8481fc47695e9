-- Faces and people. Everything hangs on the content hash, so that it survives moves and copies share it. Vectors lie in
-- a table of their own: naming a face then rewrites 100 bytes, not 2 KB. Face and cluster numbers are never given twice.

-- Grain: one row per face in one picture.
create table face (
    face_id bigint,
    content_hash varchar,
    model_version varchar,        -- of its vector; null where it has none
    x double,                     -- 0 to 1 of the upright picture, from the left
    y double,                     -- from the top
    width double,
    height double,
    confidence double,            -- the detector's, 0 to 1; null for what was drawn or read
    source varchar,               -- auto (detected), manual (drawn), region (read from the file's metadata)
    region_name varchar,          -- the name that the file's metadata give it
    person_id integer,
    bound_by varchar,             -- auto, user, region; null while it is nobody
    cluster_id bigint,            -- kept when the face gets a name
    at_seconds double,            -- videos: where in the preview clip it was seen
    recorded_at timestamp
);

-- Grain: one row per face that has a vector.
create table face_embedding (
    face_id bigint,
    model_version varchar,        -- vectors of two versions are never compared
    embedding float[]             -- unit length
);

-- Grain: one row per picture and recognition model, and one per picture for the regions in its metadata.
create table face_scan (
    content_hash varchar,
    model_version varchar,        -- 'regions-…' for the reading of metadata
    status varchar,               -- detected, no_faces, failed
    message varchar,
    sidecar_version varchar,      -- of the sidecar that was read with it
    recorded_at timestamp
);

-- Grain: one row per person.
create table person (
    person_id integer,
    name varchar,                 -- unique in any case
    notes varchar,
    entity_id integer,
    cover_face_id bigint,
    created_from_tag boolean,
    is_ignored boolean,           -- left out of lists, matching and suggestions
    created_at timestamp,
    updated_at timestamp
);

-- Grain: one row per group of faces that look like one person.
create table face_cluster (
    cluster_id bigint,
    model_version varchar,
    is_ignored boolean,           -- nobody who matters: not listed
    by_user boolean,              -- merged or split by hand: clustering anew leaves it alone
    created_at timestamp
);

-- Grain: one row per face and person that somebody said it is not.
create table face_rejection (
    face_id bigint,
    person_id integer,
    rejected_by varchar,
    rejected_at timestamp
);

-- Grain: one row per kind of number: the last one given, so that a deleted face's is not given again.
create table face_number (
    kind varchar,
    last bigint
);
