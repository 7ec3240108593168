"""Which pairs of rows can lie within a distance: bounds from few coordinates, block by block, for every search."""
