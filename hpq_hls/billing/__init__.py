"""What kernels bill with: terms, building blocks, memories, products, and the catalogue of parts."""
