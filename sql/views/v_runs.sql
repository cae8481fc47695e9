-- One row per flow run that did something, newest last.
create or replace view v_runs as
select
    run_id,         -- Prefect flow run, or the id of a command-line run
    flow,           -- its name
    library,        -- name of the library, or all
    state,          -- completed, failed
    started_at,     -- UTC
    finished_at,    -- UTC
    done,           -- files worked on
    failed,         -- files recorded as failures
    report,         -- all its numbers, JSON
    message         -- what the run said at its end
from run;
