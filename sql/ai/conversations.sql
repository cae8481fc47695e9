-- Conversations about the library, the latest first. Grain: one row per conversation. Parameters: $account_id, $row_limit.
select
    conversation.conversation_id, conversation.title, conversation.backend, conversation.model, conversation.started_at,
    count(*) filter (conversation_message.role = 'user') as turns,
    max(conversation_message.recorded_at) as last_at
from conversation
join conversation_message using (conversation_id)
where conversation.content_hash is null and conversation.account_id = $account_id
group by all
order by last_at desc, conversation.conversation_id desc
limit $row_limit;
