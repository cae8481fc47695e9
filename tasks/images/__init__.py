"""Originals to pictures: decoding, RAW previews, thumbnails and their placeholders."""
