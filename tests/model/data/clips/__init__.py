"""Tests of reading clips and transcripts. Media files are not decoded here, so they can hold anything."""
