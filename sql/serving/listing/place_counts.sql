-- Places of photos. Grain: one row per place. Filled in: {conditions}.
select country_code, country, region, major_city, city, personal_place, count(*) as count
from timeline
where (country_code is not null or personal_place is not null) and {conditions}
group by all
order by count desc, country, region, major_city, city, personal_place
limit 5000
