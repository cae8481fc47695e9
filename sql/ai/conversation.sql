-- One conversation. Grain: at most one row. Parameters: $conversation_id.
select conversation_id, content_hash, account_id, title, backend, model, num_ctx, started_at
from conversation
where conversation_id = $conversation_id;
