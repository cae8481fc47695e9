-- A file name can hold the date: the metadata of renamed files are read again. Sees: renamed (asset_id).
update metadata
set recipe = ''
from renamed
where metadata.asset_id = renamed.asset_id;
