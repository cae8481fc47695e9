-- What models made and what was talked about with them: summaries of days, insights, conversations, memory.

-- Grain: one row per contact and local day with messages.
create table daily_summary (
    summary_id bigint,            -- stays when the day is summarised again
    contact varchar,
    day date,                     -- in time_zone
    time_zone varchar,
    summary varchar,
    kind varchar,                 -- model, or extractive where no model could be asked
    message_count integer,
    input_hash varchar,           -- of the messages it was made from
    model varchar,
    server varchar,               -- that answered; '' for none
    prompt_version varchar,
    run_id varchar,
    recorded_at timestamp
);

-- Grain: one row per summary and embedding model.
create table summary_embedding (
    summary_id bigint,
    embedding_model varchar,
    embedding float[],            -- unit length
    text_hash varchar,            -- of the text it is the vector of: another one is stale
    recorded_at timestamp
);

-- Grain: one row per insight ever made of a picture; the newest of each content_hash is the current one.
create table insight (
    insight_id bigint,
    content_hash varchar,
    title varchar,
    summary varchar,
    backend varchar,              -- local, hybrid
    model varchar,
    server varchar,
    prompt_version varchar,
    made_by varchar,              -- generate, agentic, amend, flow
    conversation_id bigint,       -- its transcript
    account_id integer,           -- who asked for it; null for a flow
    deleted_at timestamp,
    generated_at timestamp
);

-- Grain: one row per insight that was rated.
create table insight_rating (
    insight_id bigint,
    rating integer,               -- 1 thumbs up, -1 thumbs down
    account_id integer,
    rated_at timestamp
);

-- Grain: one row per conversation: about a picture, or about the library.
create table conversation (
    conversation_id bigint,
    content_hash varchar,         -- null: about the library
    account_id integer,
    title varchar,
    backend varchar,
    model varchar,
    num_ctx integer,
    started_at timestamp
);

-- Grain: one row per message of a conversation, tool calls and their answers included.
create table conversation_message (
    conversation_id bigint,
    position integer,             -- from 0
    role varchar,                 -- system, user, assistant, tool
    content varchar,
    tool_calls json,              -- [{call_id, name, arguments}] of an assistant's message
    call_id varchar,              -- of a tool's answer
    tool_name varchar,
    server varchar,               -- that answered, of an assistant's message
    model varchar,
    recorded_at timestamp
);

-- Grain: one row per person, place, event or thing that is remembered.
create table entity (
    entity_id bigint,
    name varchar,
    kind varchar,                 -- person, place, event, thing
    description varchar,
    created_at timestamp,
    updated_at timestamp
);

-- Grain: one row per fact about an entity.
create table entity_fact (
    fact_id bigint,
    entity_id bigint,
    fact varchar,
    confidence double,            -- 0 to 1; grows by 0.1 each time it is found again
    content_hash varchar,         -- the picture it was learned from; null for none
    source varchar,               -- agent, user
    created_at timestamp,
    updated_at timestamp
);

-- Grain: one row per entity and picture it has to do with.
create table entity_photo (
    entity_id bigint,
    content_hash varchar,
    linked_at timestamp
);
