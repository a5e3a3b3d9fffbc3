"""Forms of output, one file each: they return text or renderables and never print."""
