-- The terms of texts, and the documents that have each: an inverted index. Grain: one row per term, in order.
-- Sees: texts (doc, field, text). A term is ' word', '"two words' (neighbours), or '@field=whole value'.
with folded as (
    select doc, field, search_fold(text) as folded, regexp_extract_all(folded, '[\p{L}\p{N}]+') as words
    from texts
    where text <> ''
)
select term, list(doc order by doc) as docs
from (
    select distinct term, doc
    from (
        select ' ' || unnest(words) as term, doc from folded
        union all
        select '"' || unnest(list_transform(list_zip(words[:-2], words[2:]), pair -> pair[1] || ' ' || pair[2])), doc
        from folded
        where len(words) > 1
        union all
        select '@' || field || '=' || if(field = 'folder', '/' || folded || '/', folded), doc
        from folded
        where field not in ('name', 'title', 'description')
    )
)
group by term
order by term
