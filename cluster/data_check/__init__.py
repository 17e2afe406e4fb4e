"""`haemsa data info` and `haemsa data check`: what data holds, leaks between splits, and odd features.

Read `check` first, then `problems`.
"""
