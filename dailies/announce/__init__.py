"""What Dailies tells other systems, and when."""
