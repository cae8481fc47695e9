"""What the flows of faces, insights, summaries and integrity do in one run."""
