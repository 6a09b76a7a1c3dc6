"""Archives in, warehouses out: the only place that opens anything."""
