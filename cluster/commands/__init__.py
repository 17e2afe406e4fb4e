"""The command `haemsa`: options in, one call of `haemsa.cluster.api`, tables out. Nothing imports this room.

`main` puts the commands together; each other file holds the commands about one thing.
"""
