-- What people say about their pictures. Everything hangs on the content hash: it survives moves and renames, and
-- duplicates share it. Each edit of a client is one commit with a message "who: what" (see GET /changes).

-- Grain: one row per tag.
create table tag (
    tag_id integer,
    name varchar,                 -- NFC; unique in any case
    created_at timestamp
);

-- Grain: one row at most: the largest number a tag ever had, so that a deleted one's is not given to another.
create table tag_number (
    last integer
);

-- Grain: one row per picture and tag.
create table photo_tag (
    content_hash varchar,
    tag_id integer,
    added_by varchar,             -- name of the account
    added_at timestamp
);

-- Grain: one row per picture and account.
create table favorite (
    content_hash varchar,
    account_id integer,
    added_at timestamp
);

-- Grain: one row per picture that somebody rated or described. Null: as the file says.
create table photo_note (
    content_hash varchar,
    rating integer,               -- 0 (none) to 5
    description varchar,
    updated_by varchar,           -- name of the account
    updated_at timestamp
);
