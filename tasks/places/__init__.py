"""Where a position is, in words: offline by a gazetteer, by the user's own names, and by Nominatim where asked to."""
