"""What any host that serves the app does, by HTTP alone."""
