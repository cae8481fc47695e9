"""The agent: a model that may call tools, what the tools are, and how far it is trusted."""
