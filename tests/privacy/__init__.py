"""What is known about a user: taken along whole, erased without a trace, kept no longer than set."""
