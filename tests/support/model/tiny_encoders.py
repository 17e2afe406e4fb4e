"""Encoders with random weights, as transformers saves them: they have a few thousand weights."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers as hf

WORDS = ["the", "film", "was", "good", "bad", "very", "not", "a", "and", "it", "i", "so"]
SMALL = {"hidden_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 24}


def tiny_text(folder: Path, *, safe: bool = True) -> Path:
    """A BERT that knows a dozen words."""
    vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *WORDS]
    torch.manual_seed(0)
    model = hf.BertModel(hf.BertConfig(vocab_size=len(vocabulary), max_position_embeddings=40, **SMALL))
    _save(model, folder)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n")
    hf.BertTokenizer(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    if not safe:
        (folder / "model.safetensors").unlink()
        torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


def tiny_audio(folder: Path) -> Path:
    """A wav2vec2 with 50 frames a second."""
    convolution = {"conv_dim": (8,) * 7, "num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    torch.manual_seed(1)
    _save(hf.Wav2Vec2Model(hf.Wav2Vec2Config(**SMALL, **convolution)), folder)
    hf.Wav2Vec2FeatureExtractor().save_pretrained(folder)
    return folder


def tiny_whisper(folder: Path) -> Path:
    """A Whisper: only its encoder is used."""
    size = {"d_model": 16, "encoder_layers": 2, "decoder_layers": 1, "num_mel_bins": 20, "vocab_size": 60}
    heads = {"encoder_attention_heads": 2, "decoder_attention_heads": 2}
    wide = {"encoder_ffn_dim": 24, "decoder_ffn_dim": 24}
    tokens = {"pad_token_id": 1, "bos_token_id": 1, "eos_token_id": 1, "decoder_start_token_id": 1}
    torch.manual_seed(2)
    _save(hf.WhisperModel(hf.WhisperConfig(**size, **heads, **wide, **tokens)), folder)
    hf.WhisperFeatureExtractor(feature_size=20).save_pretrained(folder)
    return folder


def tiny_vision(folder: Path, *, clip: bool = False) -> Path:
    """A ViT, or the part of CLIP that sees."""
    size = {**SMALL, "image_size": 32, "patch_size": 16}
    torch.manual_seed(3)
    _save(hf.CLIPVisionModel(hf.CLIPVisionConfig(**size)) if clip else hf.ViTModel(hf.ViTConfig(**size)), folder)
    settings = {
        "image_processor_type": "ViTImageProcessor",
        "size": {"height": 32, "width": 32},
        "image_mean": [0.5] * 3,
        "image_std": [0.5] * 3,
        "rescale_factor": 1 / 255,
        "resample": 2,
        "do_resize": True,
        "do_rescale": True,
        "do_normalize": True,
    }
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    return folder


def tiny_clip(folder: Path) -> Path:
    """A whole CLIP: it encodes text and pictures."""
    text = hf.CLIPTextConfig(**SMALL, vocab_size=20, bos_token_id=0, eos_token_id=1, pad_token_id=1)
    vision = hf.CLIPVisionConfig(**SMALL, image_size=32, patch_size=16)
    torch.manual_seed(4)
    config = hf.CLIPConfig(text_config=text.to_dict(), vision_config=vision.to_dict(), projection_dim=8)
    tiny_vision(folder, clip=True)
    _save(hf.CLIPModel(config), folder)
    return folder


def _save(model: hf.PreTrainedModel, folder: Path) -> None:
    hf.utils.logging.disable_progress_bar()
    model.save_pretrained(folder)
