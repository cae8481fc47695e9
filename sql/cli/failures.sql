-- The dead-letter ledger. Grain: one row per asset and stage. Parameters: $stage ('' for all).
select library, path, stage, error_class, message, attempts, failed_at, tool, tool_version
from v_failures
where $stage in ('', stage)
order by library, path, stage;
