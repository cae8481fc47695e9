-- Failures to try again. Grain: one row per asset and stage. Parameters: $stage, $run_id ('' for all). Sees: wanted (path).
-- A wanted path is one file or a folder; none at all means every one.
select
    failure.asset_id, failure.stage, failure.file_version, asset.library_id, asset.rel_path, library.root_path
from failure
join asset using (asset_id)
join library using (library_id)
where $stage in ('', failure.stage)
    and $run_id in ('', failure.run_id)
    and (
        not exists (select 1 from wanted)
        or exists (
            select 1 from wanted
            where list_has_any(
                [wanted.path],
                [asset.rel_path, library.name || '/' || asset.rel_path, library.root_path || '/' || asset.rel_path]
            )
                or starts_with(asset.rel_path, wanted.path || '/')
                or starts_with(library.name || '/' || asset.rel_path, wanted.path || '/')
                or starts_with(library.root_path || '/' || asset.rel_path, wanted.path || '/')
        )
    );
