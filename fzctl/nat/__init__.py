"""How the two sides behave: the client's DNS resource NAT, the gateway's manners, proxy IPs, patterns.

Values in, values out; time is an argument, everywhere in whole milliseconds of any clock that does
not step back.
"""
