"""fzctl: dissector and traffic tool for Firezone's peer-to-peer control protocol."""

__version__ = "0.1.0"
