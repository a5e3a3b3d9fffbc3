"""Records and log lines without what is private."""
