"""What every room may use: files written whole, text, the terminal, progress and interruption."""
