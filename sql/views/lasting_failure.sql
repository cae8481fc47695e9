-- Failures that keep a drain from trying again: those of the file's bytes last until the bytes or the tool change, one
-- that could not be read, or that a service failed at, is tried again after 2, 4, 8 … hours (at most a week): permissions
-- and services heal without a trace.
-- Grain: one row per asset and stage.
create or replace view lasting_failure as
select *
from failure
where error_class not in ('UnreadableFile', 'PictureNotTaken')
    or failed_at + to_hours(least(pow(2, attempts), 168)::integer) > now()::timestamp;
