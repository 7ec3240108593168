"""LMDB data bases of encoded pictures, as LSUN comes."""
