"""What can be done to a file or a value: hash, decode, encode, embed, seal. Plain arguments in, values and files out."""
