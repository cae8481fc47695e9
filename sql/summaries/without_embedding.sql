-- Summaries whose words have no vector by this model yet. Grain: one row per summary.
-- Parameters: $embedding_model, $recipe (how the text to embed is put together), $row_limit.
with present as (
    select *, sha256(concat_ws(chr(31), $recipe, contact, day, summary)) as text_hash
    from daily_summary
    where gone_at is null
)
select summary_id, contact, day, summary, text_hash
from present
anti join (
    select summary_id, text_hash from summary_embedding where embedding_model = $embedding_model
) as made using (summary_id, text_hash)
order by day desc, summary_id
limit $row_limit;
