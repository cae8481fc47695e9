"""The timeline as a client asks for it: filters, cursors, paths, memories."""
