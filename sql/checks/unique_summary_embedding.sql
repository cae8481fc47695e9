-- summary_embedding rows that share their key.
select summary_id, embedding_model, count(*) as rows from summary_embedding group by all having count(*) > 1;
