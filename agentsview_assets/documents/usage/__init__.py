"""The documents of usage by day, as agentsview's v1 contract has them."""
