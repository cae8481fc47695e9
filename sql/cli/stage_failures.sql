-- Grain: one row per library and stage.
select library, stage, count(*) as failed from v_failures group by all;
