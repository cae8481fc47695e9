-- Summaries, the latest day first. Grain: one row per summary. Parameters: $first_day, $last_day, $contact, $row_limit, $row_offset.
select summary_id, contact, day, summary, kind, message_count, model, recorded_at
from daily_summary
where gone_at is null
    and ($first_day::date is null or day >= $first_day::date)
    and ($last_day::date is null or day <= $last_day::date)
    and ($contact::varchar is null or lower(contact) = lower($contact::varchar))
order by day desc, contact, summary_id
limit $row_limit offset $row_offset;
