"""What clients may send: nothing of it breaks the service, leaks from it, or is changed by it."""
