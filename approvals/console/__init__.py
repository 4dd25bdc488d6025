"""The inbox and the request page."""
