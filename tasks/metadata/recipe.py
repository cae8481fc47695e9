"""The version of what we read: part of every row of metadata."""

METADATA_RECIPE = "1"  # raise it, and all metadata is read again
