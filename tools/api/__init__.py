"""The API of tools and connections."""
