"""Interactive pictures of a page: traces and layouts as plotly.js takes them. Read `look` first."""
