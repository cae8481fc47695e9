-- Summaries with another text, day or vector than before. Grain: one row per summary. Parameters: $first, $last (snapshots).
select summary_id from lake.table_changes('daily_summary', $first, $last)
union
select summary_id from lake.table_changes('summary_embedding', $first, $last);
