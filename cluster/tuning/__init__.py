"""`haemsa tune`: how a genome is trained, refined by Ray Tune. Read `tune` first, then `tuner` and `trial`."""
