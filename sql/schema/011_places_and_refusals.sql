-- What a service fails at while it answers for others: it must keep nothing else waiting.

-- Grain: one row per picture that was not taken; it goes when the service takes it.
create table face_refusal (
    content_hash varchar,
    refusals integer,             -- runs in which it was asked for, and not taken
    reason varchar,               -- the service's words, or that it took too long
    refused_at timestamp          -- UTC, the last time
);

-- Grain: one row per position that Nominatim did not answer for; an answer may have come since.
create table nominatim_refusal (
    latitude double,              -- rounded to 4 decimals: 11 m
    longitude double,
    refusals integer,
    refused_at timestamp          -- UTC, the last time
);

-- The city people mean: the largest whose area holds the position; null where there is none, and until the flow
-- `places` has looked again, which it does by itself (another recipe).
alter table photo_place add column major_city_id bigint;
alter table photo_place add column major_city varchar;

-- Grain: one row per city that a photo was taken in, with everything it is called.
create table major_city (
    city_id bigint,               -- GeoNames' number
    name varchar,
    country_code varchar,         -- ISO 3166-1 alpha-2
    population bigint,
    names varchar[],              -- in all languages GeoNames knows; not what `name` says
    recorded_at timestamp
);
