-- Summaries by their numbers. Grain: one row per summary. Parameters: $summary_ids.
select summary_id, contact, day, summary, kind, message_count, model, recorded_at
from daily_summary
where summary_id in (select unnest($summary_ids::bigint[])) and gone_at is null;
