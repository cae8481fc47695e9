-- What is summarised already, days whose messages are gone too. Grain: one row per day. Parameters: $contact, $first_day, $last_day.
select day, summary_id, input_hash, kind, prompt_version, gone_at
from daily_summary
where contact = $contact and day between $first_day::date and $last_day::date;
