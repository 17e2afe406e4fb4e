"""Tests of `cluster/workers/tasks/`."""
