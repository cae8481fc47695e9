-- Every summary with its vector by one model. Grain: one row per summary. Parameters: $embedding_model.
select daily_summary.summary_id, daily_summary.contact, daily_summary.day, summary_embedding.embedding
from daily_summary
join summary_embedding using (summary_id)
where summary_embedding.embedding_model = $embedding_model and daily_summary.gone_at is null
order by daily_summary.day;
