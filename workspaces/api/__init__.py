"""What every endpoint of the API shares: who calls, in which workspace, how errors, pages and repeats are answered."""
