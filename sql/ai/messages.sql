-- A conversation word by word. Grain: one row per message. Parameters: $conversation_id.
select position, role, content, tool_calls, call_id, tool_name, server, model, recorded_at
from conversation_message
where conversation_id = $conversation_id
order by position;
