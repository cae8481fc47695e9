-- Who may do what: roles of accounts, tokens that were taken back, keys for scripts.

alter table account add column role varchar;         -- owner: everything; viewer: looks, and keeps favourites
alter table account add column token_stamp varchar;  -- in every token of the account; another one ends them all
alter table account add column removed_at timestamp; -- the row stays, so that its number is never given to another
update account set role = 'owner', token_stamp = '';

-- Grain: one row per key that has not been revoked. The key itself is kept nowhere.
create table api_key (
    key_id integer,
    account_id integer,
    name varchar,                 -- told apart within the account, in any case
    prefix varchar,               -- the beginning of the key, dk_ and 8 characters: which one it is
    key_hash varchar,             -- SHA-256 of the whole key, 64 hex digits
    scopes varchar[],             -- read, write, upload, manage
    created_at timestamp,
    expires_at timestamp          -- null: never
);

-- Grain: one row per token that was logged out before its time.
create table revoked_token (
    token_id varchar,             -- its jti
    account_id integer,
    expires_at timestamp,         -- after which the row is no longer needed
    revoked_at timestamp
);
