"""Pretrained encoders: transcripts, sound and pictures of clips become streams of features.

Read `choice` and `encoder` first, then `text`, `audio` and `vision`; `media_encoder` has what the last two share.
`opening` chooses among these. `media` and `decoding` read clips, `model_folder` and `pretrained` load models.
`adapters` and `halves` are for fine-tuning.
transformers and av belong to `haemsa[encoders]`, so they are loaded only where an encoder is opened.
"""
