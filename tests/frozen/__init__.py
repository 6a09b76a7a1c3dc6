"""Warehouses as earlier versions of this program left them, and the archive they were made of."""
