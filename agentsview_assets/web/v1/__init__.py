"""The endpoints of agentsview's own server, answered from a warehouse."""
