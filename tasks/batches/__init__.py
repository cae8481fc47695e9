"""One batch of files through one stage."""
