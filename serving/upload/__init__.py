"""A file on its way in: from the request to the library and its rows."""
