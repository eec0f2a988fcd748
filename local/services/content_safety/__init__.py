"""Azure AI Content Safety, as its SDK knows it."""
