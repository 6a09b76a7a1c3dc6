"""Tables of assets of others, in the same warehouse, under contracts of theirs."""
