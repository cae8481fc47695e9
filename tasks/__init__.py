"""What can be done to a file or a value. Plain arguments in, values and files out."""
