"""What goes over the network and is about no provider: fetching what a caller names, forms."""
