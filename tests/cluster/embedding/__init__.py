"""Tests of `haemsa data embed`, with encoders and clips that are made here."""
