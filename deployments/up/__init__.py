"""`darkroom up`: the processes of one machine."""
