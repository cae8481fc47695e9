"""Faces: where they are in a picture, whose they are, and which of the unnamed ones look alike."""
