"""What documents share, and those about the warehouse itself."""
