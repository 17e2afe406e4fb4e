"""`haemsa data info` and `haemsa data check`: what data holds, leaks between splits, odd features, and what streams are
worth.

Read `check` first, then `problems`.
"""
