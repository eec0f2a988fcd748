"""The app in its process: from the environment to services, telemetry and clean ends."""
