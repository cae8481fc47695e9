"""Models, conversations and insights as handlers use them."""
