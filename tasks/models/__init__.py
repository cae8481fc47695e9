"""Language models: asked to chat, to look at pictures, and for embeddings. Nothing here imports torch at start-up."""
