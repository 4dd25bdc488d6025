"""The API of knowledge."""
