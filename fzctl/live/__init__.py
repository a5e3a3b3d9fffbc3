"""Messages sent live: when each leaves, what is done to it on the way, and the loop that sends."""
