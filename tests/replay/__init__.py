"""Real conversations, written, killed and read back."""
