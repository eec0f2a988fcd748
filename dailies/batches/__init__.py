"""The life of a batch: kept, made in turns, ended and removed. What a batch is written as, and what
is wrong with one, is the protocol's (``dailies.protocols.batch``)."""
