"""One side effect each: thin adapters that put the library's steps on the Functions host."""
