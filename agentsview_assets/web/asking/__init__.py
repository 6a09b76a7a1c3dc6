"""What a request asks for: its query taken apart, its parameters checked, in agentsview's words."""
