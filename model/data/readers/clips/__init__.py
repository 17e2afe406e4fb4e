"""Clips and transcripts, which `haemsa data embed` encodes: a described table, a folder of MMSA, or a pickle of MMSA.

Read `described` first. `haemsa.model.data.clip_sources` chooses the reader.
"""
