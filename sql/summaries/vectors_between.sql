-- Summaries of some days with their vectors by one model. Grain: one row per summary.
-- Parameters: $embedding_model, $first_day, $last_day (null: without end).
select daily_summary.summary_id, daily_summary.contact, daily_summary.day, summary_embedding.embedding
from daily_summary
join summary_embedding using (summary_id)
where summary_embedding.embedding_model = $embedding_model
    and daily_summary.gone_at is null
    and ($first_day::date is null or daily_summary.day >= $first_day::date)
    and ($last_day::date is null or daily_summary.day <= $last_day::date)
order by daily_summary.day;
