"""Faces as the API asks for them: queries, vectors, the engine."""
