"""Clips and transcripts, which `haemsa data embed` encodes: a described table, a folder of MMSA, or a pickle of MMSA.

Read `clip` first, then `sources`, which chooses the reader.
"""
