"""What becomes of a dropped image, or of a batch that was dropped as a file: heard of, waited for,
accepted or rejected. The rules for it are the protocol's (``dailies.protocols.drop``)."""
