"""Our documents beside the original program's, over the same archives."""
