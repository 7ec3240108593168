"""What a check and an audit say: the values, the files they are kept in, and the words for their numbers."""
