"""What a video is: its id, phases and errors, its record and what was asked for."""
