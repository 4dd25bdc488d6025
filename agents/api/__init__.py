"""The API of agents, runs, steps, actions and conversations."""
