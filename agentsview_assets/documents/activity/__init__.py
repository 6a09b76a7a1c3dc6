"""Activity reports, as agentsview's v1 contract has them."""
