-- Gaps: months without a picture between the first and the last, perhaps a lost memory card.
with
taken as (
    select distinct date_trunc('month', taken_at) as month
    from v_assets
    where taken_at_source <> 'mtime' and taken_at > '1990-01-01'
),
every_month as (
    select unnest(generate_series(min(month), max(month), interval 1 month)) as month from taken
)
select strftime(month, '%Y-%m') as month_without_pictures
from every_month
anti join taken using (month)
order by 1;
