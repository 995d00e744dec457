"""How are a user's own networks and data written? Four cases, each in one module; see README.md."""
