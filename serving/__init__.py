"""What a client may ask: a thin FastAPI layer over a replica of the lake."""
