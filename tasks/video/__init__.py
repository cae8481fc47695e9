"""Videos: running ffmpeg safely, and the frame that stands for the film."""
