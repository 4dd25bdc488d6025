"""The API of requests, decisions and policies."""
