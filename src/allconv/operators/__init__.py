"""The operators: what each computes, refuses, costs, and its gradient. Nothing about machines."""
