"""Reference images: from what a caller sent to what a model takes.

``fitting`` brings a picture to an exact size, ``inline`` and ``fetching`` get the bytes behind an
``image_url``. Nothing is imported here, so that importing one does not import Pillow or httpx.
"""
