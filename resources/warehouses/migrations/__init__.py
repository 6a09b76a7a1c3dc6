"""How warehouses of earlier versions become warehouses of this one."""
