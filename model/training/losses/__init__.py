"""What training minimises. Each loss has a file. `criterion` adds them up, and training uses only that."""
