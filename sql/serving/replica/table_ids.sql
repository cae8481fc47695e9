-- Numbers of the tables, as `changes` names them. Grain: one row per table.
select table_id::varchar as table_id, table_name from ducklake_table_info('lake');
