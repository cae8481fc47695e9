-- Rated insights with their transcripts. Grain: one row per message. Parameters: none.
select insight.insight_id, insight.title, insight.summary, insight.model, insight_rating.rating,
    conversation_message.position, conversation_message.role, conversation_message.content,
    conversation_message.tool_calls, conversation_message.call_id, conversation_message.tool_name
from insight
join insight_rating using (insight_id)
join conversation_message using (conversation_id)
where insight.deleted_at is null
order by insight.insight_id, conversation_message.position;
