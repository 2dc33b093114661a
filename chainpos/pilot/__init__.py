"""The sample city as running processes: nodes, simulated customers, and what is measured of them."""
