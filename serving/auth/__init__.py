"""Who is asking and what they may do: accounts, tokens, API keys, permissions."""
