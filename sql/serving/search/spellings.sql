-- How the values of filters were written. Grain: one row per '@field=value' term. Parameters: $fields. Sees: texts.
select '@' || field || '=' || if(field = 'folder', '/' || search_fold(text) || '/', search_fold(text)), any_value(text)
from (select distinct field, text from texts where text <> '' and list_contains($fields, field))
group by all
