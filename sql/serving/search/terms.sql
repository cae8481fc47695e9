-- The terms of texts, and the documents that have each: an inverted index. Grain: one row per term, in order.
-- Sees: texts (doc, field, text). A term is ' word', '"two words' (neighbours), or '@field=whole value'. A city's number stands for all
-- that it is called (serving/search/cities.py). Words of
-- insights begin with another sign, '! word' and '!"two words': only owners' searches look at those.
with folded as (
    select
        doc,
        field,
        if(field = 'insight', '!', '') as sign,
        search_fold(text) as folded,
        regexp_extract_all(folded, '[\p{L}\p{N}]+') as words
    from texts
    where text <> ''
)
select term, list(doc order by doc) as docs
from (
    select distinct term, doc
    from (
        select sign || ' ' || unnest(words) as term, doc from folded where field <> 'city_id'
        union all
        select
            sign || '"' || unnest(list_transform(list_zip(words[:-2], words[2:]), pair -> pair[1] || ' ' || pair[2])),
            doc
        from folded
        where len(words) > 1 and field <> 'city_id'
        union all
        select '@' || field || '=' || if(field = 'folder', '/' || folded || '/', folded), doc
        from folded
        where field not in ('name', 'title', 'description', 'insight')
    )
)
group by term
order by term
