"""Pictures of a search. Read `search` first: it makes all of them. `style` has the look that they share."""
