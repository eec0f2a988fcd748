"""Images and clips: from what a caller sent to what a model takes.

``fitting`` brings a picture to an exact size, ``inline`` reads a data URL. Nothing is imported
here, so that importing one does not import Pillow.
"""
