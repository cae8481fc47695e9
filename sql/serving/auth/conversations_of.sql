-- What an account talked about with the agent, but for insights, which all may read. Grain: one row per conversation.
-- Parameters: $account_id.
select conversation_id from conversation where account_id = $account_id and content_hash is null;
