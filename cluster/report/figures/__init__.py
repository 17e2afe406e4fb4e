"""Pictures of a search, one kind a file. `search` makes all of them for one run; `style` is what they share."""
