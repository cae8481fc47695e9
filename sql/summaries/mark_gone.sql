-- Days whose messages are gone, or ($gone_at null) there again. Parameters: $contact, $days, $gone_at.
update daily_summary
set gone_at = $gone_at::timestamp
where contact = $contact and day in (select unnest($days::date[]));
