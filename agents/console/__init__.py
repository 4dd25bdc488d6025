"""The console pages of runs, rollbacks and agents."""
