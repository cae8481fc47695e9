-- Places, perceptual hashes, duplicates and hidden photos.

-- Grain: one row per picture and position; where that is, in words.
create table photo_place (
    content_hash varchar,
    latitude double,              -- the position that was looked up: another one asks for another row
    longitude double,
    country_code varchar,         -- ISO 3166-1 alpha-2; null far from anywhere
    country varchar,
    region varchar,
    city varchar,
    personal_place varchar,       -- a name of the user's own (Home, Cabin), from Apollo; it wins over the others
    source varchar,               -- offline, nominatim
    recipe varchar,               -- data, rules and personal places it was found with
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per place with a name of the user's own, as Apollo told it last.
create table personal_place (
    place_id varchar,
    name varchar,
    latitude double,
    longitude double,
    radius_m double
);

-- Grain: one row per position that Nominatim was asked for; kept for good.
create table nominatim_answer (
    latitude double,              -- rounded to 4 decimals: 11 m
    longitude double,
    country_code varchar,         -- null: it knows no place there
    country varchar,
    region varchar,
    city varchar,
    asked_at timestamp
);

-- Grain: one row per picture; two hashes of its thumbnail.
create table perceptual_hash (
    content_hash varchar,
    phash ubigint,                -- 64 bit: signs of the low frequencies
    dhash ubigint,                -- 64 bit: brighter or darker than the pixel to the right
    recipe varchar,
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per group of pictures that a user said are no duplicates of each other.
create table duplicate_decision (
    decision_id bigint,
    content_hashes varchar[],     -- sorted
    decision varchar,             -- ignored
    decided_by varchar,
    decided_at timestamp
);

-- Grain: one row per asset that a user hid.
create table hidden (
    asset_id bigint,
    hidden_by varchar,
    hidden_at timestamp,
    reason varchar,               -- user, duplicate
    kept_asset_id bigint,         -- duplicate: the copy that is shown instead; while it is not there, this one is
    kept_content_hash varchar     -- its bytes at that time: once they change, this one is shown again
);
