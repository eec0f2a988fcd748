"""Which deployment makes a video, and when there is a place for it."""
