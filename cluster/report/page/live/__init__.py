"""`haemsa watch`: the page of a search that updates itself. Read `serve` first, then `feed` and `followed`."""
