"""Values: amounts, currencies, safe text, block time, hashes. Each refuses what is out of range; none clamps."""
