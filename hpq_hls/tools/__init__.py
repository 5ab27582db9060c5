"""External programs: finding them, running them, and `hpq doctor`, which looks after them."""
