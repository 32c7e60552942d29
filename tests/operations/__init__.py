"""What the pages for whoever runs the service say, tried as they say it."""
