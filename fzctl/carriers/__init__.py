"""Live I/O: inner IP packets into a tunnel and out of it, by way of an interface or a peer of our own."""
