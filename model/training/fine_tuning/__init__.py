"""Networks and the adapters of a text encoder, trained together.

Read `text_stream` first (transcripts become features of a batch), then `joint` (a training step, and predictions).
"""
