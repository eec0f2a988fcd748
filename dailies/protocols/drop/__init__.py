"""The rules for images dropped into the references container; pure, no storage is touched.

An image starts a video, and so does a short MP4 where the model takes one. What kind of video is
said in three places, and for every field on its own the first place that sets it wins:

1. the image's own blob metadata,
2. its sidecar, ``cat.png.json`` or else ``cat.json`` beside it,
3. the nearest ``_defaults.json`` up the path.

So one ``_defaults.json`` can hold model and size for a folder, while each image brings its prompt.
Only the nearest defaults count; those of folders above are not mixed in.

Unknown keys in a file are errors, because a misspelt ``secnods`` would quietly buy another video
than the one wanted; unknown metadata is left alone, because upload tools add their own.
"""
