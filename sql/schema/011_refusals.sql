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
