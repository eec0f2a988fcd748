"""The process that holds the app: imports ``function_app.py`` and runs its functions."""
