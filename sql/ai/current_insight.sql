-- The insight that counts. Grain: at most one row. Parameters: $content_hash.
select
    insight.insight_id, insight.content_hash, insight.title, insight.summary, insight.generated_at,
    insight.model as model_version, insight.backend, insight.server, insight.prompt_version, insight.made_by,
    insight.conversation_id, insight_rating.rating
from insight
left join insight_rating using (insight_id)
where insight.content_hash = $content_hash and insight.deleted_at is null
order by insight.insight_id desc
limit 1;
