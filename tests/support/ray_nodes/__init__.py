"""Clusters of Ray on this machine, with processes of their own."""
