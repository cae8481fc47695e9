-- Files that are both an asset and skipped.
select library_id, rel_path from asset semi join skipped_file using (library_id, rel_path) where missing_since is null;
