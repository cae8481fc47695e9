-- Pictures with two notes, and notes that say nothing.
select content_hash, count(*) as rows, count(rating) + count(description) as said
from photo_note
group by all
having rows > 1 or said = 0;
