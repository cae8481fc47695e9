-- Libraries may be renamed: the timeline carries their names. Grain: one row per asset of a renamed library.
update timeline
set library = library.name
from library
where library.library_id = timeline.library_id and library.name is distinct from timeline.library;
