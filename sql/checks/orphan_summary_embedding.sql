-- summary_embedding rows without their summary.
select summary_id, embedding_model from summary_embedding anti join daily_summary using (summary_id);
