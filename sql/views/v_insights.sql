-- One row per insight: what a model wrote about a picture. The one with is_current counts.
create or replace view v_insights as
select
    insight.insight_id,       -- number
    insight.content_hash,     -- BLAKE3 of the picture; join v_assets by it
    insight.title,            -- a few words
    insight.summary,          -- what the picture is about
    insight.insight_id = max(insight.insight_id) over (partition by insight.content_hash) as is_current,  -- the newest
    insight.backend,          -- local, hybrid
    insight.model,            -- that wrote it
    insight.made_by,          -- generate, agentic, amend, flow
    insight_rating.rating,    -- 1 thumbs up, -1 thumbs down; null for none
    insight.generated_at      -- UTC
from insight
left join insight_rating using (insight_id)
where insight.deleted_at is null;
