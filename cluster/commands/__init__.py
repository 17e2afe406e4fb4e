"""The command `haemsa`: it reads options, calls `haemsa.cluster.api` and prints. Nothing imports this room.

`main` puts the commands together. Each other file holds the commands about one thing; `options` is shared by them.
"""
