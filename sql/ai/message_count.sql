-- How long a conversation is. Grain: one row. Parameters: $conversation_id.
select count(*) as messages from conversation_message where conversation_id = $conversation_id;
