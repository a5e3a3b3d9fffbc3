"""What the messages mean together: iterables of records in, values out."""
