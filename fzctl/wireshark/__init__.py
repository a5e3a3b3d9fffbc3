"""What Wireshark gets from fzctl: the dissector, a profile, an interface, and the way there."""
