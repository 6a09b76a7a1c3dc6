"""Reading agentsview's archives: files, mirrors, price tables, and what is landed of them."""
