"""`haemsa data embed`: clips and transcripts become streams of pretrained encoders, in a store.

Read `embed` first, then `streams` (what is kept, so that nothing is encoded twice) and `work` (what a worker does).
"""
