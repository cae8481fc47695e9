-- A day whose messages are gone from the SMS API keeps its summary, unseen: the messages may come back.
alter table daily_summary add column gone_at timestamp;  -- UTC; null while the messages are there
