"""The command line of Dailies. It speaks the public HTTP API and knows nothing of the app."""
