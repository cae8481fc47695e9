"""Messages and what is made of them: conversations, summaries, search."""
