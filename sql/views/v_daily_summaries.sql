-- One row per contact and local day with messages: what was talked about.
create or replace view v_daily_summaries as
select
    daily_summary.summary_id,        -- number; kept when the day is summarised again
    daily_summary.contact,           -- with whom
    daily_summary.day,               -- local date, in time_zone
    daily_summary.summary,           -- what was talked about
    daily_summary.kind,              -- model, or extractive: sentences picked where no model could be asked
    daily_summary.message_count,     -- messages of that day
    daily_summary.model,             -- chat model; of an extractive one the embedding model
    daily_summary.prompt_version,    -- of the words the model was told
    daily_summary.time_zone,         -- IANA name of the zone whose midnight parts the days
    daily_summary.recorded_at as made_at  -- UTC
from daily_summary
where daily_summary.gone_at is null;
