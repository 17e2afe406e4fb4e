"""What training minimises, one file a loss. `criterion` adds them up; it is all that training uses."""
