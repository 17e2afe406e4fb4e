"""`haemsa data info` and `check`: what data holds, leaks between splits, and odd features. Read `check` first."""
