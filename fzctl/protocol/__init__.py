"""The protocol floor: what a control packet is, and what a receiver makes of it.

Standard library only; no I/O, no clock. Everything here is a function from values to values.
"""
