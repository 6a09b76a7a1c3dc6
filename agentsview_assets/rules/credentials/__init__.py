"""What a credential looks like, in texts of every kind."""
