"""Real, playable media: H.264 and AAC in MP4, a WebP thumbnail, a JPEG spritesheet."""
