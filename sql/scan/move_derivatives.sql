-- The mirrored files of moved assets were renamed. Sees: moved_file (asset_id, kind, file).
update derivative
set file = moved_file.file
from moved_file
where derivative.asset_id = moved_file.asset_id and derivative.kind = moved_file.kind;
