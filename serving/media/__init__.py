"""Bytes as answers: originals, thumbnails, large pictures, streams, clips, face crops."""
