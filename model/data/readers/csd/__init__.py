"""Folders of .csd files, as CMU-MultimodalSDK writes them. Read `folder` first; used through its `read`."""
