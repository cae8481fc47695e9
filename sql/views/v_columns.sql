-- One row per column of these views: this documentation, as a table.
create or replace view v_columns as
select
    view_column.view_name,    -- v_assets, ...
    view_column.column_name,  -- as in select
    view_column.position,     -- from 1
    view_column.comment       -- unit and source
from view_column;
