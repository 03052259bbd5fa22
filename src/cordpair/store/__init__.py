"""Remembers: all SQL of the product, one door per tenant."""
