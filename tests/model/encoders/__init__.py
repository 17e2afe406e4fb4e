"""Tests of pretrained encoders: clips and small models are made here, and nothing is downloaded."""
