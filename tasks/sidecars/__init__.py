"""XMP beside a picture: read, changed in places, written again."""
