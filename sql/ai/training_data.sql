-- A page of rated insights with their transcripts. Grain: one row per message.
-- Parameters: $after (an insight_id), $row_limit (insights).
with page as (
    select insight.insight_id, insight.title, insight.summary, insight.model, insight.conversation_id, insight_rating.rating
    from insight
    join insight_rating using (insight_id)
    where insight.deleted_at is null and insight.insight_id > $after
        and exists (
            select 1 from conversation_message where conversation_message.conversation_id = insight.conversation_id
        )
    order by insight.insight_id
    limit $row_limit
)
select page.insight_id, page.title, page.summary, page.model, page.rating,
    conversation_message.position, conversation_message.role, conversation_message.content,
    conversation_message.tool_calls, conversation_message.call_id, conversation_message.tool_name
from page
join conversation_message using (conversation_id)
order by page.insight_id, conversation_message.position;
