"""WireGuard without I/O: handshakes, key logs, captured sessions read again, relays unwrapped.

No socket, no clock, no file and no randomness here: time, ephemeral keys and datagrams are
arguments. "Whitepaper" is J. Donenfeld, "WireGuard: Next Generation Kernel Network Tunnel",
https://www.wireguard.com/papers/wireguard.pdf, revision of 2020.
"""
