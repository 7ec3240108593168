"""MATLAB's files of arrays, as SVHN comes."""
