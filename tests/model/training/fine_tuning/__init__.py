"""Tests of training networks together with the adapters of a text encoder."""
