"""Every kernel of a generated design alone, for all inputs that can reach it (docs/verification.md)."""
