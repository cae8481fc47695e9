-- Asks for another try: no run has this tool version. The attempts stay counted. Sees: wanted (asset_id, stage).
update failure
set tool_version = ''
from wanted
where failure.asset_id = wanted.asset_id and failure.stage = wanted.stage;
