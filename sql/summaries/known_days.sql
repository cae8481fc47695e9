-- What is summarised already. Grain: one row per day. Parameters: $contact, $first_day, $last_day.
select day, summary_id, input_hash, kind, prompt_version
from daily_summary
where contact = $contact and day between $first_day::date and $last_day::date;
