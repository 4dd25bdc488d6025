"""The engine: claims steps, drives runs, sweeps. The rows are the truth; messages only say that there may be work."""
