-- The catalog. DuckLake has no keys and no indexes: uniqueness is kept by how rows are written (sql/lake.py, KEYS)
-- and proven by sql/checks/. One row per asset in each result table; older versions are found by time travel.

-- Grain: one row per configured root.
create table library (
    library_id integer,
    name varchar,
    root_path varchar,            -- absolute; undecodable bytes as private-use characters (tasks/files/names.py)
    root_device ubigint,          -- st_dev and st_ino of the root when it was last scanned whole
    root_inode ubigint,
    created_at timestamp
);

-- Grain: one row per photo or video that was ever seen at a place.
create table asset (
    asset_id bigint,
    library_id integer,
    rel_path varchar,             -- forward slashes
    media_type varchar,           -- photo, raw, video
    mime_type varchar,
    size_bytes bigint,
    mtime_ns bigint,
    sidecar varchar,              -- file name of its XMP sidecar, '' for none
    sidecar_version varchar,      -- size and mtime of the sidecar, '' for none
    first_seen_at timestamp,
    missing_since timestamp
);

-- Grain: one row per file that was seen and is no asset.
create table skipped_file (
    library_id integer,
    rel_path varchar,
    size_bytes bigint,
    mtime_ns bigint,
    reason varchar                -- sidecar, hidden, not_media, symlink, special
);

-- Grain: one row per directory that was listed; what a quick scan compares.
create table directory (
    library_id integer,
    rel_path varchar,             -- '' for the root
    mtime_ns bigint               -- 0: list it again next time
);

-- Grain: one row per asset; the bytes of one version (size, mtime) of it.
create table fingerprint (
    asset_id bigint,
    size_bytes bigint,
    mtime_ns bigint,
    content_hash varchar,         -- BLAKE3, 64 hex digits
    media_type varchar,           -- by content
    mime_type varchar,            -- by content
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per asset; what its metadata say.
create table metadata (
    asset_id bigint,
    content_hash varchar,
    sidecar_version varchar,
    recipe varchar,
    width integer,
    height integer,
    orientation integer,
    taken_at timestamp,
    taken_at_utc timestamp,
    time_zone varchar,
    taken_at_source varchar,
    camera_make varchar,
    camera_model varchar,
    lens_model varchar,
    focal_length_mm double,
    f_number double,
    exposure_time_s double,
    iso integer,
    latitude double,
    longitude double,
    altitude_m double,
    rating integer,
    title varchar,
    description varchar,
    keywords varchar[],
    duration_s double,
    video_codec varchar,
    audio_codec varchar,
    frame_rate double,
    rotation integer,
    motion_kind varchar,
    motion_video_offset bigint,
    motion_video_bytes bigint,
    content_id varchar,
    burst_id varchar,
    page_count integer,
    tool varchar,
    tool_version varchar,
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per date found for an asset, also those that were not picked.
create table date_candidate (
    asset_id bigint,
    content_hash varchar,
    source varchar,
    text varchar,
    local_time timestamp,
    utc_time timestamp,
    time_zone varchar,
    rank integer
);

-- Grain: one row per asset and kind; a file made from an original.
create table derivative (
    asset_id bigint,
    content_hash varchar,
    kind varchar,                 -- thumbnail, large, raw_preview, hls, preview_clip, gif
    file varchar,                 -- relative to the folder of its kind
    recipe varchar,
    width integer,
    height integer,
    size_bytes bigint,
    thumbhash blob,
    layer varchar,
    warning varchar,
    tool varchar,
    tool_version varchar,
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per asset and stage that failed and was not done since.
create table failure (
    asset_id bigint,
    stage varchar,                -- hash, metadata, thumbnail, ...
    file_version varchar,         -- the version of the file that failed: content hash, else size and mtime
    error_class varchar,
    message varchar,
    tool varchar,
    tool_version varchar,         -- a new one is a reason to try again
    attempts integer,
    run_id varchar,
    failed_at timestamp
);

-- Grain: one row per run of a flow that did something.
create table run (
    run_id varchar,
    flow varchar,
    library varchar,
    state varchar,                -- completed, failed
    started_at timestamp,
    finished_at timestamp,
    done bigint,
    failed bigint,
    report json,
    message varchar
);

-- Grain: one row per account. `user` is a word of SQL.
create table account (
    account_id integer,
    name varchar,
    password_hash varchar,        -- argon2id
    created_at timestamp
);

-- Grain: one row per column of a documented view; written from the comments in sql/views/.
create table view_column (
    view_name varchar,
    column_name varchar,
    position integer,
    comment varchar
);
